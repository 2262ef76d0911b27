"""`lab.py compare`: what differs between runs, and whether it is worse."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from driver.cli import completers, options
from driver.compare.build import page, report_on
from driver.compare.compared_metrics import BY_RUN
from driver.compare.markdown import (
    DIFFERENCE_COLUMNS,
    Report,
    as_markdown,
    difference_row,
    ranking_columns,
    ranking_rows,
)
from driver.compare.rank import BESIDE
from driver.compare.read import cells_under, find_folder, runs_under
from driver.errors import UsageError
from driver.files import write_file
from driver.metrics import METRICS
from driver.metrics.metric import Unit
from driver.metrics.quantities import parse_quantity
from driver.terminal import print_json, print_lines, print_table

OPTIONAL = ("seen from", "p")
"""Columns that a narrow terminal leaves out: the first column says already what follows from them."""
LEAST_WANTED = tuple(reversed(BESIDE))


@click.command("compare")
@click.argument("names", nargs=-1, metavar="[RUN]...", shell_complete=completers.runs)
@click.option(
    "--against",
    metavar="FOLDER",
    shell_complete=completers.runs,
    help="The baseline: a run, or a folder of runs.",
)
@click.option(
    "--group", "named", multiple=True, metavar="NAME=RUN", help="Put a run, or a folder, into a group."
)
@click.option(
    "--tolerance", default="10%", show_default=True, metavar="PART", help="How much worse is allowed."
)
@click.option("--by", default="", metavar="METRIC", help="Rank by this metric, or compare it as well.")
@click.option(
    "--markdown",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the comparison to FILE.",
)
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write it as an HTML page.",
)
@options.as_json
@options.log_level
def command(
    names: tuple[str, ...], against: str | None, named: tuple[str, ...], tolerance: str, by: str,
    markdown: Path | None, html: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """Compare runs, or folders of runs, with the first of them; rank three groups or more, or a matrix.

    Exits with 1 when something is worse by more than the tolerance, and no noise explains it; with 2 when the
    runs do not decide it: fewer than three on a side, none of a side conclusive, or no figure that both have.
    """
    if by and by not in BY_RUN and by not in METRICS:
        raise UsageError(
            f"--by: {by!r} is no metric.",
            f"Name one of docs/metrics.md, for instance {', '.join(BY_RUN)}.",
        )
    groups, matrix = _groups(names, against, named)
    report = report_on(groups, _part(tolerance), by, matrix)
    if html is not None:
        write_file(html, page(groups, report).encode())
    if markdown is not None:
        write_file(markdown, as_markdown(report).encode())
    if as_json:
        print_json(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())
    else:
        show_report(report)
    return report.exit_code


def show_report(report: Report) -> None:
    """Print a comparison."""
    for one in report.comparisons:
        print_lines(
            [f"{one.scenario}: {one.before} ({one.runs_before}) → {one.after} ({one.runs_after})", ""]
        )
        marks = ["bad" if each.regression else "warn" if each.real else "" for each in one.differences]
        print_table(DIFFERENCE_COLUMNS, [difference_row(each) for each in one.differences], marks, OPTIONAL)
        print_lines(["", *(f"note: {note}" for note in one.notes)])
    for ranking in report.rankings:
        marks = ["good" if place.like_the_best else "" for place in ranking.places]
        print_table(ranking_columns(ranking), ranking_rows(ranking), marks, LEAST_WANTED)
        print_lines(["", *(f"note: {note}" for note in ranking.notes)])
    print_lines([*(f"note: {note}" for note in report.notes), report.because])


def _groups(
    names: tuple[str, ...], against: str | None, named: tuple[str, ...]
) -> tuple[dict[str, list[Path]], bool]:
    """Return the groups of runs, and whether they are the cells of a matrix. Raises UsageError."""
    groups: dict[str, list[Path]] = {}
    if against is not None:
        groups["baseline"] = runs_under(find_folder(against))
    for pair in named:
        name, equals, folder = pair.partition("=")
        if not equals or not name or not folder:
            raise UsageError(f"--group takes NAME=RUN; found {pair!r}.", "Example: --group old=results/a")
        groups.setdefault(name, []).extend(runs_under(find_folder(folder)))
    folders = [find_folder(name) for name in names]
    if against is not None and folders:
        groups["this"] = [run for folder in folders for run in runs_under(folder)]
    elif len(folders) == 1 and not groups and (cells := cells_under(folders[0])):
        return cells, True
    else:
        groups.update({folder.name: runs_under(folder) for folder in folders})
    if len(groups) < 2:
        raise UsageError(
            f"a comparison needs two sides; found {len(groups)}.",
            "Name two runs, or one and --against FOLDER, or the folder of a matrix.",
        )
    return groups, False


def _part(text: str) -> float:
    try:
        part = parse_quantity(text).to(Unit.ratio)
    except ValueError as error:
        raise UsageError(f"--tolerance: {error}.", "Example: --tolerance 10%") from None
    if part < 0:
        raise UsageError(f"--tolerance is never below zero; found {text}.", "Example: --tolerance 10%")
    return part
