"""The folder of a search: its settings, and each schedule with its verdict, appended as it is judged."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from driver.errors import UsageError
from driver.files import FileReadError, read_file, unwritable, write_file
from driver.judging.verdict import RunOutcome
from driver.results.run_folder import MAX_BYTES
from driver.search.finding_key import FindingKey
from driver.search.schedule import Schedule
from driver.search.shrink import Outcome
from driver.typed_json import decode_json
from wire.errors import DECODE_ERRORS

SEARCH, SCHEDULES, RUNS = "search.json", "schedules.jsonl", "runs"
MOST_LINES_BYTES = 1 << 30
INTERRUPTED = "interrupted"
"""Why a search or a reduction ended, where a signal stopped it."""


class SearchSettings(msgspec.Struct, frozen=True, kw_only=True):
    """search.json: all that a search needs to go on. `digest` is that of its scenario as it was resolved."""

    scenario: str
    seed: int
    budget_s: float
    length_s: float
    settle_s: float
    repeat: int
    plain: bool = False
    faults: tuple[str, ...] = ()
    digest: str = ""
    version: str = ""
    argv: list[str] = []
    format: int = 1


class JudgedSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """One schedule that was judged, a line of schedules.jsonl.

    `parent` is the number of the schedule that it changes. `run` is the folder of its run, "" where none was
    kept. `new` are features that no schedule before showed. `phases_s` is how long each phase took.
    `why_dirty` is why the system was started again after it; "" where it was not.
    """

    number: int
    schedule: Schedule
    seed: int
    verdict: RunOutcome
    because: str
    parent: int | None = None
    run: str = ""
    findings: list[FindingKey] = []
    features: list[str] = []
    new: list[str] = []
    phases_s: dict[str, float] = {}
    why_dirty: str = ""


class ConfirmedFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A finding, and how often the schedule that showed it first showed it again on a system just started."""

    key: FindingKey
    number: int
    outcome: Outcome
    runs: list[str] = []


class SearchFolder:
    """The folder of one search."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def runs(self) -> Path:
        """The folder of the schedules' runs."""
        return self.path / RUNS

    def begin(self, settings: SearchSettings) -> None:
        """Write the settings. Raises LabError."""
        write_file(self.path / SEARCH, msgspec.json.format(msgspec.json.encode(settings), indent=1))

    def append(self, line: JudgedSchedule | ConfirmedFinding) -> None:
        """Append one line, which is on the disk afterwards. Raises LabError."""
        kind = "schedule" if isinstance(line, JudgedSchedule) else "finding"
        data = msgspec.json.encode({kind: line}) + b"\n"
        path = self.path / SCHEDULES
        try:
            with path.open("ab") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise unwritable(path, error) from None

    def settings(self) -> SearchSettings:
        """Return the settings. Raises UsageError where the folder is not one of a search."""
        try:
            return decode_json(read_file(self.path / SEARCH, MAX_BYTES), SearchSettings)
        except (FileReadError, *DECODE_ERRORS) as error:
            raise UsageError(
                f"{self.path} is no folder of a search: {error}.",
                "Searches are kept in results/, *-search-*.",
            ) from None

    def lines(self) -> tuple[list[JudgedSchedule], list[ConfirmedFinding]]:
        """Return every schedule and finding; a last line that was cut short is left out.

        Raises UsageError for a line that is damaged.
        """
        path = self.path / SCHEDULES
        try:
            data = read_file(path, MOST_LINES_BYTES) if path.exists() else b""
        except FileReadError as error:
            raise UsageError(f"{path} cannot be read: {error}.") from None
        schedules, findings = [], []
        for number, line in enumerate(data[: data.rfind(b"\n") + 1].splitlines(), 1):
            try:
                found = decode_json(line, _Line)
            except DECODE_ERRORS as error:
                raise UsageError(f"{path}:{number} is damaged: {error}.", "Start another search.") from None
            if found.schedule is not None:
                schedules.append(found.schedule)
            if found.finding is not None:
                findings.append(found.finding)
        return schedules, findings


class _Line(msgspec.Struct):
    schedule: JudgedSchedule | None = None
    finding: ConfirmedFinding | None = None
