"""Prints a group of runs, and stores the comparison of its cells."""

from __future__ import annotations

from pathlib import Path

import msgspec

from driver.cli.compare import show_report
from driver.compare.build import page, report_on
from driver.compare.markdown import Report, as_markdown
from driver.compare.read import cells_under
from driver.errors import UsageError
from driver.files import write_file
from driver.judging.verdict import RunOutcome
from driver.results.group_file import GROUP, GroupFile
from driver.suite.reports import took
from driver.terminal import print_json, print_lines, print_table
from driver.visible import one_line

COMPARISON_MARKDOWN, COMPARISON_JSON, COMPARISON_HTML = "comparison.md", "comparison.json", "comparison.html"
_MARKS = {RunOutcome.passed: "good", RunOutcome.failed: "bad", RunOutcome.inconclusive: "warn"}


def show_group(folder: Path, group: GroupFile, as_json: bool) -> None:
    """Print each run of a group with its verdict, and the comparison of its cells; store the comparison."""
    report = compare_cells(folder)
    if as_json:
        print_json((folder / GROUP).read_text())
        return
    rows = [[run.verdict.word, run.label, str(run.round), run.folder, run.because] for run in group.runs]
    marks = [_MARKS.get(run.verdict, "") for run in group.runs]
    whole = took(sum(run.took_s for run in group.runs))
    print_lines(
        [f"{one_line(group.scenario)}: {len(group.runs)} of {group.planned} runs, {whole} in all", ""]
    )
    print_table(["verdict", "run", "round", "folder", "because"], rows, marks)
    print_lines([""])
    if report is not None:
        show_report(report)
    print_lines(["", f"{group.verdict.word}: {group.because}", f"runs: {folder}"])


def compare_cells(folder: Path) -> Report | None:
    """Compare a group's cells, and write the comparison into its folder; None for fewer than two cells."""
    cells = cells_under(folder)
    if not cells:
        return None
    try:
        report = report_on(cells, tolerance=0.0, matrix=True)
    except UsageError as error:
        # The verdicts hold without a comparison.
        print_lines([f"note: {error.sentence}"])
        return None
    write_file(folder / COMPARISON_MARKDOWN, as_markdown(report).encode())
    write_file(folder / COMPARISON_JSON, msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
    write_file(folder / COMPARISON_HTML, page(cells, report).encode())
    return report
