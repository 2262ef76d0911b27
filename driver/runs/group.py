"""A group of runs: every cell of a scenario's matrix, as often as it repeats, and the file that lists them.

In turn (A B C A B C), so that a machine that is slow for a while is slow for every cell. The runs of one
round share a seed: every cell gets the same targets, times and tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs

from driver.exit_codes import ExitCode
from driver.files import FileReadError, read_file, write_file
from driver.judging.verdict import EXIT_CODES, RunOutcome, Verdict
from driver.runs.store import MAX_BYTES
from wire.errors import DECODE_ERRORS

GROUP = "group.json"
_WORST_FIRST = (RunOutcome.failed, RunOutcome.inconclusive, RunOutcome.expected_failure, RunOutcome.passed)


@dataclass(frozen=True)
class Turn:
    """One run of a group: the cell's label and variables, its round from 1, and its seed."""

    label: str
    variables: Mapping[str, Any]
    round: int
    seed: int


class GroupRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run as it ended. `folder` is its name in the group's folder, "" when none was kept."""

    label: str
    round: int
    seed: int
    variables: dict[str, Any]
    folder: str
    verdict: RunOutcome
    because: str
    took_s: float = 0.0


class GroupFile(msgspec.Struct, kw_only=True):
    """group.json: what was to be run (`planned` runs), and what has been so far."""

    run: str
    scenario: str
    planned: int
    verdict: RunOutcome
    because: str
    exit_code: int
    runs: list[GroupRun]
    format: int = 1


def in_turn(cells: Sequence[Mapping[str, Any]], repeat: int, seed: int, scenario: str) -> list[Turn]:
    """Every run of a group, in order."""
    return [
        Turn(label(cell) or scenario, cell, number + 1, (seed + number) % 2**32)
        for number in range(repeat)
        for cell in cells
    ]


def label(cell: Mapping[str, Any]) -> str:
    """A cell's name: `policy=fixed, cap=2s`; "" without a matrix."""
    return ", ".join(f"{name}={value}" for name, value in cell.items())


def overall(runs: Sequence[GroupRun], planned: int) -> tuple[RunOutcome, str, ExitCode]:
    """What a group says: the worst of its runs; inconclusive when some were not run."""
    found = {run.verdict for run in runs}
    worst = next((one for one in _WORST_FIRST if one in found), RunOutcome.inconclusive)
    if len(runs) < planned and worst is not RunOutcome.failed:
        because = f"{planned - len(runs)} of {planned} runs were not run"
        return RunOutcome.inconclusive, because, ExitCode.INCONCLUSIVE
    same = [run for run in runs if run.verdict is worst]
    because = f"{len(same)} of {planned} runs: {worst.value.replace('_', ' ')}"
    if worst is not RunOutcome.passed and same:
        because += f", first {same[0].label} (round {same[0].round}): {same[0].because}"
    return worst, because, EXIT_CODES[worst]


def summed_up(folder: Path, scenario: str, runs: Sequence[GroupRun], planned: int) -> GroupFile:
    """A group as its file tells it."""
    verdict, because, code = overall(runs, planned)
    return GroupFile(
        run=folder.name,
        scenario=scenario,
        planned=planned,
        verdict=verdict,
        because=because,
        exit_code=int(code),
        runs=list(runs),
    )


def judged_again(folder: Path, group: GroupFile, judge: Callable[[Path], Verdict]) -> GroupFile:
    """The group with each of its runs judged anew; a run that was not kept keeps what it ended with."""
    runs = []
    for one in group.runs:
        # A name alone: a group's file leads to no folder but its own.
        kept = folder / Path(one.folder).name if one.folder else None
        if kept is not None and kept.is_dir():
            verdict = judge(kept)
            one = structs.replace(one, verdict=verdict.verdict, because=verdict.because)
        runs.append(one)
    return summed_up(folder, group.scenario, runs, group.planned)


def save_group(folder: Path, group: GroupFile) -> None:
    """Write group.json. Raises LabError when the disk takes no more."""
    write_file(folder / GROUP, msgspec.json.format(msgspec.json.encode(group), indent=2) + b"\n")


def read_group(folder: Path) -> GroupFile | None:
    """group.json, or None when there is none that can be read."""
    try:
        return msgspec.json.decode(read_file(folder / GROUP, MAX_BYTES), type=GroupFile)
    except (FileReadError, *DECODE_ERRORS):
        return None
