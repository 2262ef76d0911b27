"""How a group of runs is shown to a person, and to a machine."""

from __future__ import annotations

from pathlib import Path

from driver.group import GROUP, GroupFile
from driver.terminal import print_lines, print_table
from driver.verdict import Outcome

_MARKS = {Outcome.passed: "good", Outcome.failed: "bad", Outcome.inconclusive: "warn"}


def show_group(folder: Path, group: GroupFile, as_json: bool) -> None:
    """Every run of a group with its verdict, and where it is kept."""
    if as_json:
        print_lines([(folder / GROUP).read_text().rstrip()])
        return
    rows = [[_word(run.verdict), run.label, str(run.round), run.folder, run.because] for run in group.runs]
    marks = [_MARKS.get(run.verdict, "") for run in group.runs]
    print_table(["verdict", "run", "round", "folder", "because"], rows, marks)
    print_lines(["", f"{_word(group.verdict)}: {group.because}", f"runs: {folder}"])


def _word(outcome: Outcome) -> str:
    return outcome.value.replace("_", " ").upper()
