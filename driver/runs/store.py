"""A run's folder: what is saved when, and how a stored run is judged again.

1  run.json, scenario.yaml            before anything starts
2  journals/*.jsonl, logs/*.log       written by the processes themselves while they run
3  metrics.json, verdict.json         when it is judged; the reports are made from all of it
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from driver.checks.finding import Finding, unknown
from driver.errors import UsageError
from driver.files import FileReadError, read_file, unwritable, write_file
from driver.histories.events import Receipt
from driver.histories.history import History
from driver.histories.journals import JOURNALS, gc_paused, read_history
from driver.judging.expectations import all_findings
from driver.judging.receipt_rebuild import rebuild_receipts
from driver.judging.verdict import KnownFailure, Verdict, judge
from driver.metrics import Metrics, measure
from driver.scenarios.thresholds import Expectation, parse_expectations
from wire.errors import DECODE_ERRORS

FORMAT = 1
MAX_BYTES = 64 << 20
"""The largest of a run's own files that is read; journals have their own limit."""
RUN, SCENARIO, METRICS, VERDICT, LATEST = (
    "run.json",
    "scenario.yaml",
    "metrics.json",
    "verdict.json",
    "latest",
)

UNSEALED = (
    "the journals of this run carry no seals (an older lab wrote them): whether a line is missing or was "
    "altered since cannot be verified"
)

S = TypeVar("S")


class RunRecord(msgspec.Struct, kw_only=True):
    """run.json: all that judging and replaying need, written before anything starts.

    `processes` must each leave a journal (driver, coordinator, prober, worker-1, …). `expect` stands as the
    scenario has it. `planned_faults` counts every occurrence on the timeline. `sealed`: its processes write
    journals whose lines are chained by hashes. The rest is for the reader.
    """

    run: str
    scenario: str
    seed: int
    workers: list[str]
    processes: list[str]
    duration_s: float
    expect: list[object] = []
    known_issues: list[KnownFailure] = []
    planned_faults: int = 0
    sealed: bool = False
    claim: str = ""
    started_wall_s: float = 0.0
    argv: list[str] = []
    versions: dict[str, str] = {}
    images: dict[str, str] = {}
    host: dict[str, object] = {}
    settings: dict[str, object] = {}
    format: int = FORMAT


class VerdictFile(msgspec.Struct, kw_only=True):
    """verdict.json."""

    run: str
    scenario: str
    verdict: str
    because: str
    exit_code: int
    findings: list[Finding]
    notes: list[str]
    metrics: dict[str, object]
    format: int = FORMAT


class Judged(msgspec.Struct):
    """A run as it was judged: what the reports are made from."""

    folder: Path
    record: RunRecord
    history: History
    metrics: Metrics
    verdict: Verdict


def save_start(folder: Path, record: RunRecord, scenario_yaml: str) -> None:
    """The first step: what is about to be tried. Makes the folder, and points `latest` beside it at it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from None
    write_file(folder / SCENARIO, scenario_yaml.encode())
    write_file(folder / RUN, _pretty(record))
    point_latest(folder)


def judge_run(folder: Path) -> Verdict:
    """Judge a stored run, and save metrics.json and verdict.json: the third step, and `lab.py judge`."""
    return judged(folder).verdict


def judged(folder: Path) -> Judged:
    """The same, with all that a report needs.

    A folder that is cut short, damaged or of another version is judged as far as it goes, and inconclusive.
    Raises UsageError when the folder is none or holds nothing of a run, LabError when the disk is full.
    """
    if not folder.is_dir():
        raise UsageError(
            f"expected the folder of a run; {folder} is none.",
            "Runs are kept in results/, each in a folder of its own.",
        )
    if not any((folder / part).exists() for part in (RUN, SCENARIO, JOURNALS)):
        # Nothing is written into a folder that is somebody else's.
        raise UsageError(
            f"{folder} holds no run: neither {RUN} nor {SCENARIO} nor {JOURNALS}/ is in it.",
            "Name the folder of one run, or of a group of runs.",
        )
    record, missing = read_record(folder)
    expectations, wrong = _expectations(record)
    findings = [unknown("run_folder_is_whole", because) for because in (*missing, *wrong)]
    with gc_paused():
        history, notes, unmade = stored_history(folder, record)
        findings += [unknown("receipts_made_anew", because) for because in unmade]
        metrics = measure(history)
        findings += all_findings(history, metrics, expectations, record.planned_faults)
    verdict = judge(findings, record.known_issues, notes)
    save_verdict(folder, record, metrics, verdict)
    return Judged(folder, record, history, metrics, verdict)


def stored_history(folder: Path, record: RunRecord) -> tuple[History, list[str], list[str]]:
    """The history of a stored run with receipts made anew; notes about it; and why receipts could not be."""
    history = read_history(folder, record.processes, record.workers, sealed=record.sealed)
    notes = [] if history.sealed else [UNSEALED]
    try:
        return history, notes + rebuild_receipts(history, record.workers), []
    except Exception as error:
        history.put(Receipt, [])
        because = f"no receipt could be made of the journals: {type(error).__name__}: {error}"
        return history, notes, [because]


def save_verdict(folder: Path, record: RunRecord, metrics: Metrics, verdict: Verdict) -> None:
    """metrics.json, then verdict.json: whoever finds the second finds the first."""
    flat: dict[str, object] = {**metrics.values, "reconnections_per_worker": metrics.reconnections_per_worker}
    write_file(folder / METRICS, _pretty(flat))
    told = VerdictFile(
        run=record.run,
        scenario=record.scenario,
        verdict=verdict.verdict.value,
        because=verdict.because,
        exit_code=int(verdict.exit_code),
        findings=list(verdict.findings),
        notes=list(verdict.notes),
        metrics=flat,
    )
    write_file(folder / VERDICT, _pretty(told))


def read_record(folder: Path) -> tuple[RunRecord, list[str]]:
    """run.json as far as it can be read, and a sentence for everything that is missing or wrong about it."""
    empty = RunRecord(run=folder.name, scenario="", seed=0, workers=[], processes=[], duration_s=0.0)
    try:
        data = read_file(folder / RUN, MAX_BYTES)
    except FileReadError as error:
        return empty, [f"{RUN}: {error}: nobody knows what this run was to show"]
    try:
        record = msgspec.json.decode(data, type=RunRecord)
    except DECODE_ERRORS as error:
        return empty, [
            f"{RUN} is damaged or of another version ({error}): nobody knows what this run was to show"
        ]
    if record.format != FORMAT:
        return record, [f"{RUN} is of format {record.format}; this lab writes and judges format {FORMAT}"]
    return record, []


def read_verdict(folder: Path) -> VerdictFile | None:
    """The stored verdict of a run, or None when there is none that can be read."""
    try:
        return msgspec.json.decode(read_file(folder / VERDICT, MAX_BYTES), type=VerdictFile)
    except (FileReadError, *DECODE_ERRORS):
        return None


def point_latest(folder: Path) -> None:
    """Make `latest`, beside a run's folder, lead to it."""
    link = folder.parent / f".{LATEST}.{os.getpid()}"
    try:
        link.unlink(missing_ok=True)
        link.symlink_to(folder.name)
        os.replace(link, folder.parent / LATEST)
    except OSError as error:
        raise unwritable(folder.parent / LATEST, error) from None


def _expectations(record: RunRecord) -> tuple[Sequence[Expectation], list[str]]:
    parsed: list[Expectation] = []
    wrong = []
    for entry in record.expect:
        try:
            parsed += parse_expectations([entry])
        except ValueError as error:
            wrong.append(f"an expectation of this run cannot be judged: {error}")
    return parsed, wrong


def _pretty(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value, order="deterministic"), indent=2) + b"\n"
