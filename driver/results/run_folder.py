"""A run's folder: its files, what each holds, and how they are read and written.

1  run.json, scenario.yaml, plan.json    before anything starts
2  journals/*.jsonl, logs/*.log          while the processes run
3  metrics.json, verdict.json            when the run is judged; the reports are made from all of it
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from driver.checks.finding import Finding
from driver.errors import LabError
from driver.histories.container_names import containers_of
from driver.files import FileReadError, read_file, unwritable, write_file
from driver.judging.verdict import KnownFailure, Verdict
from driver.metrics import Metrics
from driver.paths import working_root
from wire.errors import DECODE_ERRORS
from driver.typed_json import decode_json

FORMAT = 1
MAX_BYTES = 64 << 20
"""The largest of a run's own files that is read; journals have their own limit."""
RUN, SCENARIO, PLAN, METRICS, VERDICT, LATEST = (
    "run.json",
    "scenario.yaml",
    "plan.json",
    "metrics.json",
    "verdict.json",
    "latest",
)
LOGS = "logs"
OWN = 0o600
"""Mode of the files that may hold passwords of the system under test."""


class RecordedSystem(msgspec.Struct, frozen=True):
    """The foreign system of a run: its Compose files, the replicas of its services, its links, and notes on it."""

    name: str
    files: list[str]
    services: dict[str, int]
    links: list[str]
    notes: list[str] = []

    @property
    def containers(self) -> list[str]:
        """The containers of its services, by name: `api[2]`."""
        return containers_of(self.services)


class FaultFreeRun(msgspec.Struct, frozen=True):
    """A run of the same plan without faults, made just before: its folder, and its findings that failed.

    `unproved`: the checks of every run that are unknown of it, without which it shows nothing. `held`: its
    findings that passed, while `runnable_per_core` processes wanted to run at the most.
    """

    run: str
    failed: list[str] = []
    unproved: list[str] = []
    held: list[str] = []
    runnable_per_core: float = 0.0


class RunRecord(msgspec.Struct, kw_only=True):
    """run.json: all that judging and replaying need, written before anything starts.

    `system` is None for the reference system. `processes`: those that must each leave a journal (driver,
    `coordinator`, `prober`, `worker-1`, `door-1`, …). `expect`: the expectations as the scenario has them.
    `planned_faults`: every occurrence on the timeline. `sealed`: the lines of its journals are chained by
    hashes. `controls`: each finding that passes must be shown to be able to fail; `fault_free`: what the same
    plan showed without its faults. The rest is for the reader.
    """

    run: str
    scenario: str
    seed: int
    clients: list[str] = msgspec.field(name="workers")
    processes: list[str]
    duration_s: float
    expect: list[object] = []
    known_issues: list[KnownFailure] = []
    planned_faults: int = 0
    sealed: bool = False
    controls: bool = False
    fault_free: FaultFreeRun | None = None
    claim: str = ""
    started_wall_s: float = 0.0
    argv: list[str] = []
    versions: dict[str, str] = {}
    images: dict[str, str] = {}
    host: dict[str, object] = {}
    settings: dict[str, object] = {}
    system: RecordedSystem | None = None
    format: int = FORMAT

    @property
    def links(self) -> list[str]:
        """The links that the prober observes; those of the reference system have the clients' names."""
        return self.clients if self.system is None else self.system.links


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


def results_root() -> Path:
    """Return the folder of all runs."""
    return working_root() / "results"


def new_folder(scenario: str, root: Path, now: datetime | None = None) -> Path:
    """Make and return a folder of a new name: `20261124T021500Z-thundering_herd`. Raises LabError."""
    stamp = f"{now or datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    for number in range(1, 1000):
        folder = root / (f"{stamp}-{scenario}" if number == 1 else f"{stamp}-{scenario}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise LabError(
                f"{folder} could not be made: {error.strerror}.", "Make room, or make it writable."
            ) from None
        return folder
    raise LabError(f"A thousand runs of {scenario} in one second?", "Try again.")


def save_start(folder: Path, record: RunRecord, scenario_yaml: str) -> None:
    """Write run.json and scenario.yaml, and point `latest` at the folder, which is made. Raises LabError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from None
    write_file(folder / SCENARIO, scenario_yaml.encode(), OWN)
    write_file(folder / RUN, _pretty(record))
    point_latest(folder)


def save_verdict(folder: Path, record: RunRecord, metrics: Metrics, verdict: Verdict) -> None:
    """Write metrics.json, then verdict.json: where the second exists, the first does. Raises LabError."""
    flat: dict[str, object] = {**metrics.values, "reconnections_per_worker": metrics.reconnections_per_client}
    if metrics.clock_bounds:
        flat["clock_bounds"] = metrics.clock_bounds
    write_file(folder / METRICS, _pretty(flat))
    content = VerdictFile(
        run=record.run,
        scenario=record.scenario,
        verdict=verdict.verdict.value,
        because=verdict.because,
        exit_code=int(verdict.exit_code),
        findings=list(verdict.findings),
        notes=list(verdict.notes),
        metrics=flat,
    )
    write_file(folder / VERDICT, _pretty(content))


def read_record(folder: Path) -> tuple[RunRecord, list[str]]:
    """Return run.json as far as it can be read, and a sentence for each thing missing or wrong in it."""
    empty = RunRecord(run=folder.name, scenario="", seed=0, clients=[], processes=[], duration_s=0.0)
    try:
        data = read_file(folder / RUN, MAX_BYTES)
    except FileReadError as error:
        return empty, [f"{RUN}: {error}: the run's expectations are unknown"]
    try:
        record = decode_json(data, RunRecord)
    except DECODE_ERRORS as error:
        return empty, [
            f"{RUN} is damaged or of another version ({error}): the run's expectations are unknown"
        ]
    if record.format != FORMAT:
        return record, [f"{RUN} is of format {record.format}; this lab writes and judges format {FORMAT}"]
    return record, []


def read_verdict(folder: Path) -> VerdictFile | None:
    """Return the stored verdict of a run; None without one that can be read."""
    try:
        return decode_json(read_file(folder / VERDICT, MAX_BYTES), VerdictFile)
    except (FileReadError, *DECODE_ERRORS):
        return None


def point_latest(folder: Path) -> None:
    """Make `latest`, beside a run's folder, a link to it. Raises LabError."""
    link = folder.parent / f".{LATEST}.{os.getpid()}"
    try:
        link.unlink(missing_ok=True)
        link.symlink_to(folder.name)
        os.replace(link, folder.parent / LATEST)
    except OSError as error:
        raise unwritable(folder.parent / LATEST, error) from None


def _pretty(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value, order="deterministic"), indent=2) + b"\n"
