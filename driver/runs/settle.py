"""Decides whether a foreign system has settled: its rows stay as they are, each expectation is decided."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from driver.histories.history import DRIVER, History
from driver.histories.journal_folder import SUFFIX, read_bytes
from driver.histories.journal_kinds import LOAD, OBSERVER, reader_of
from driver.histories.journals import JOURNALS
from driver.histories.system_events import AFTER, Reading
from driver.judging.open_expectations import open_expectations
from driver.observations.observer import Taken
from driver.scenarios.thresholds import Expectation


@dataclass
class UnchangedTables:
    """Compares each look at all tables with the one before."""

    _before: dict[str, Taken] = field(default_factory=dict)
    _since_s: float = 0.0

    def look(self, values: Mapping[str, Taken], now_s: float) -> float:
        """Return for how many seconds no table has changed at `now_s`: 0 for a reading that failed."""
        tables: dict[str, Taken] = {
            name: value for name, value in values.items() if not isinstance(value, float)
        }
        if tables != self._before or any(isinstance(value, str) for value in tables.values()):
            self._before, self._since_s = tables, now_s
        return now_s - self._since_s


def open_in(
    folder: Path, expectations: list[Expectation], values: Mapping[str, Taken], asked_ns: int
) -> list[str]:
    """Return the expectations that a later last reading may decide otherwise than these `values` would, which
    were asked for at `asked_ns`. `folder` is that of the run.
    """
    names = (DRIVER, LOAD, OBSERVER)
    paths = {name: folder / JOURNALS / f"{name}{SUFFIX}" for name in names}
    journals = {
        name: reader_of(name).read(name, read_bytes(path)) for name, path in paths.items() if path.exists()
    }
    readings = [one for name, value in values.items() for one in _as_readings(name, value, asked_ns)]
    return open_expectations(History(journals).altered([], readings), expectations)


def _as_readings(name: str, value: Taken, asked_ns: int) -> list[Reading]:
    base = Reading(
        at_ns=time.monotonic_ns(), wall_s=time.time(), by=OBSERVER, name=name, moment=AFTER, asked_ns=asked_ns
    )
    if isinstance(value, float):
        return [replace(base, number=value)]
    if isinstance(value, str):
        return [replace(base, unknown=value)]
    return [
        replace(base, columns=list(columns), rows=rows, part=part, parts=len(value))
        for part, (columns, rows) in enumerate(value, 1)
    ]
