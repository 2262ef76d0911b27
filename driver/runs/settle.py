"""Decides whether a foreign system has settled: what is judged of it stays, each expectation is decided."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from msgspec.structs import replace

from driver.claims import Claim
from driver.histories.history import DRIVER, History
from driver.histories.journal_folder import SUFFIX, read_bytes
from driver.histories.journal_kinds import LOAD, OBSERVER, reader_of
from driver.histories.journals import JOURNALS
from driver.histories.system_events import AFTER, Reading
from driver.judging.open_expectations import open_expectations
from driver.observations.observer import Taken
from driver.scenarios.thresholds import Expectation

LAST_OF: dict[str, Callable[[float, float], float]] = {"max": max, "min": min}
"""What a statistic is after one more reading, of what it was and the reading; of any other: the reading."""


class UnchangedReadings:
    """Compares each look at all readings with the one before: tables, and the numbers that decide a claim.

    Of a number that no claim judges any value will do: memory never rests.
    """

    def __init__(self, expectations: Iterable[Expectation] = ()) -> None:
        claims = (one for one in expectations if isinstance(one, Claim))
        self._numbers = sorted({number for claim in claims for number in claim.own_numbers})
        self._before: dict[object, object] | None = None
        self._since_s = 0.0

    def look(self, values: Mapping[str, Taken], now_s: float) -> float:
        """Return for how many seconds nothing has changed at `now_s`: 0 at the first look, and for a reading
        that failed.
        """
        found: dict[object, object] = {
            name: value for name, value in values.items() if not isinstance(value, float)
        }
        for source, statistic in self._numbers:
            if isinstance(value := values.get(source), float):
                before = None if self._before is None else self._before.get((source, statistic))
                farther = LAST_OF.get(statistic)
                if farther is not None and isinstance(before, float):
                    value = farther(before, value)
                found[source, statistic] = value
        if found != self._before or any(isinstance(value, str) for value in found.values()):
            self._before, self._since_s = found, now_s
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
