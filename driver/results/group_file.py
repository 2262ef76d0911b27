"""group.json: the runs of a group, each with its cell of the matrix and its verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs

from driver.exit_codes import ExitCode
from driver.files import FileReadError, read_file, write_file
from driver.judging.verdict import EXIT_CODES, RunOutcome, Verdict
from driver.results.run_folder import MAX_BYTES, VerdictFile, read_verdict
from wire.errors import DECODE_ERRORS
from driver.typed_json import decode_json

GROUP = "group.json"
_WORST_FIRST = (RunOutcome.failed, RunOutcome.inconclusive, RunOutcome.expected_failure, RunOutcome.passed)


class GroupRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run that has ended. `folder` is its name in the group's folder, "" when none was kept."""

    label: str
    round: int
    seed: int
    variables: dict[str, Any]
    folder: str
    verdict: RunOutcome
    because: str
    took_s: float = 0.0


class GroupFile(msgspec.Struct, kw_only=True):
    """group.json: the number of planned runs, and those that have ended."""

    run: str
    scenario: str
    planned: int
    verdict: RunOutcome
    because: str
    exit_code: int
    runs: list[GroupRun]
    format: int = 1


def label(cell: Mapping[str, Any]) -> str:
    """Return a cell's name: `policy=fixed, cap=2s`; "" without a matrix."""
    return ", ".join(f"{name}={value}" for name, value in cell.items())


def overall(runs: Sequence[GroupRun], planned: int) -> tuple[RunOutcome, str, ExitCode]:
    """Return a group's outcome, the worst of its runs; inconclusive when some were not run."""
    found = {run.verdict for run in runs}
    worst = next((one for one in _WORST_FIRST if one in found), RunOutcome.inconclusive)
    if len(runs) < planned and worst is not RunOutcome.failed:
        because = f"{planned - len(runs)} of {planned} runs were not run"
        return RunOutcome.inconclusive, because, ExitCode.INCONCLUSIVE
    same = [run for run in runs if run.verdict is worst]
    because = f"{len(same)} of {planned} runs: {worst.word.lower()}"
    if worst is not RunOutcome.passed and same:
        because += f", first {same[0].label} (round {same[0].round}): {same[0].because}"
    return worst, because, EXIT_CODES[worst]


def summed_up(folder: Path, scenario: str, runs: Sequence[GroupRun], planned: int) -> GroupFile:
    """Return the content of group.json."""
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
    """Return the group with each of its kept runs judged again; the others keep their verdicts."""
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
    """Write group.json. Raises LabError where it cannot be written."""
    write_file(folder / GROUP, msgspec.json.format(msgspec.json.encode(group), indent=2) + b"\n")


def read_group(folder: Path) -> GroupFile | None:
    """Return the content of group.json; None without one that can be read."""
    try:
        return decode_json(read_file(folder / GROUP, MAX_BYTES), GroupFile)
    except (FileReadError, *DECODE_ERRORS):
        return None


StoredVerdict = VerdictFile | GroupFile
"""The verdict on a run, or on a group of runs."""


def last_verdicts(results: Path) -> dict[str, StoredVerdict]:
    """Return the newest stored verdict of each scenario; folders of runs and groups sort by time."""
    found: dict[str, StoredVerdict] = {}
    for folder in sorted(results.glob("*Z-*"), reverse=True):
        name = folder.name.partition("Z-")[2]
        if name not in found and (verdict := read_verdict(folder) or read_group(folder)) is not None:
            found[verdict.scenario] = verdict
    return found
