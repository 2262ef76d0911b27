"""`lab.py report`: writes the report of a stored run again."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from driver.cli import completers, options
from driver.cli.judge import find_run
from driver.errors import LabError, UsageError
from driver.exit_codes import ExitCode
from driver.report.write import write_report
from driver.results.group_file import read_group
from driver.results.run_folder import LATEST
from driver.terminal import print_lines


@click.command("report")
@click.argument("run", default=LATEST, shell_complete=completers.runs)
@click.option("--open", "opens", is_flag=True, help="Open it in the browser.")
@options.log_level
def command(run: str, opens: bool) -> int:
    """Write the report of the stored RUN again: a folder, its name in results/, or `latest`.

    Of a group of runs it is the comparison of its cells. Exits with 0 for any verdict; `judge` does not.
    """
    folder = find_run(run)
    path = _comparison(folder) if read_group(folder) is not None else write_report(folder)
    print_lines([str(path)])
    if opens and not webbrowser.open(path.as_uri()):
        raise LabError("No browser could be started here.", f"Open it by hand: {path.as_uri()}")
    return ExitCode.PASSED


def _comparison(folder: Path) -> Path:
    # Imported here: the comparison takes a second to load.
    from driver.cli.groups import COMPARISON_HTML, compare_cells

    if compare_cells(folder) is None:
        raise UsageError(
            f"{folder.name} is a group of runs that has no two cells to compare.",
            f"Name one of its runs: python lab.py report {folder}/RUN",
        )
    return folder / COMPARISON_HTML
