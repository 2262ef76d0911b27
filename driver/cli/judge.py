"""`lab.py judge`: a stored run, judged again without Docker."""

from __future__ import annotations

from pathlib import Path

import click

from driver.cli import options
from driver.cli.verdicts import show_verdict
from driver.errors import WrongUseError
from driver.report.write import write_reports
from driver.runs.run_folder import results_root
from driver.runs.store import LATEST, judged


@click.command("judge")
@click.argument("run", default=LATEST)
@options.as_json
@options.log_level
def command(run: str, as_json: bool) -> int:
    """Judge the stored RUN again: a folder, its name in results/, or `latest`. Its report is written anew."""
    outcome = judged(find_run(run))
    write_reports(outcome)
    show_verdict(outcome, as_json)
    return outcome.verdict.exit_code


def find_run(name: str) -> Path:
    """The folder of a stored run. Raises WrongUseError."""
    for folder in (Path(name), results_root() / name):
        if folder.is_dir():
            return folder.resolve()
    root = results_root()
    kept = sorted(path.name for path in root.glob("*Z-*")) if root.is_dir() else []
    hint = (
        f"The newest: {', '.join(kept[-3:])}"
        if kept
        else "Run one first: python lab.py scenario thundering_herd"
    )
    raise WrongUseError(f"There is no run {name!r}.", hint)
