"""Readings of observations as a whole: put together from their parts, and as numbers over time. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from driver.histories.history import History
from driver.histories.run_timeline import run_timeline
from driver.histories.system_events import AFTER, BEFORE, Cell, Reading

HELD_READINGS = 3
"""A number holds until the next reading, and as long as this many take at most; then it is unknown."""
MIN_HELD_NS = 1_000_000_000
NAMELESS = ("value",)
"""Columns of a JSON answer without columns of its own, as an empty list has none."""
GROWN_BY = 2.0
UNKNOWN = float("nan")
MAX_EXACT = 2.0**53
"""From here on a number of a reading is not exact."""


@dataclass(frozen=True)
class WholeReading:
    """One reading as a whole, between `asked_ns` and `at_ns`. `unknown` says why it has neither number nor
    rows ("" where it has).
    """

    name: str
    asked_ns: int
    at_ns: int
    number: float | None
    columns: tuple[str, ...]
    rows: tuple[list[Cell], ...]
    unknown: str
    events: tuple[Reading, ...]

    @property
    def is_empty_answer(self) -> bool:
        """It has no rows, and as a JSON answer no columns either: it lacks rows of any column."""
        return not self.unknown and self.number is None and not self.rows and self.columns == NAMELESS


def readings_by_name(history: History) -> dict[str, list[WholeReading]]:
    """Return all readings of each observation, in the order in which they were asked for."""
    parts: dict[tuple[str, str, int], list[Reading]] = {}
    for reading in history.of(Reading):
        parts.setdefault((reading.name, reading.moment, reading.asked_ns), []).append(reading)
    found: dict[str, list[WholeReading]] = {}
    for (name, _, _), events in sorted(parts.items(), key=lambda one: one[0][2]):
        found.setdefault(name, []).append(_table(name, events))
    return {name: _alike(tables) for name, tables in found.items()}


def first_reading(history: History, name: str) -> WholeReading | None:
    """Return the first reading before the first fault; None without one."""
    return next((table for table in readings_of(history, name) if table.events[0].moment == BEFORE), None)


def final_reading(history: History, name: str) -> WholeReading | None:
    """Return the last reading after healing and settling, whether it is known or not; None without one."""
    return next((one for one in reversed(readings_of(history, name)) if one.events[0].moment == AFTER), None)


def number_steps(history: History, name: str) -> list[tuple[int, float]]:
    """Return an observation's numbers as [(from_ns, number), …]: each holds until the next instant.

    A reading that failed is UNKNOWN, for which no comparison holds; so is the time before the first one,
    and after a reading that no other follows for long.
    """
    found = readings_of(history, name)
    if not found:
        return [(0, UNKNOWN)]
    between = sorted(other.asked_ns - one.asked_ns for one, other in pairwise(found))
    held_ns = max(MIN_HELD_NS, HELD_READINGS * between[len(between) // 2] if between else 0)
    ends = [one.at_ns for one in found[1:]] + [history.view(run_timeline).end_ns]
    steps: list[tuple[int, float]] = [(0, UNKNOWN)]
    for one, until_ns in zip(found, ends, strict=True):
        steps.append((one.at_ns, UNKNOWN if one.unknown or one.number is None else one.number))
        if one.at_ns + held_ns < until_ns:
            steps.append((one.at_ns + held_ns, UNKNOWN))
    return steps


def readings_of(history: History, name: str) -> list[WholeReading]:
    """Return all readings of one observation, in the order in which they were asked for."""
    return history.view(readings_by_name).get(name, [])


def first_answer_since_ns(history: History, name: str, since_ns: int) -> int | None:
    """Return when the first reading that was asked for since an instant was answered; None without one."""
    return next((one.at_ns for one in readings_of(history, name) if one.asked_ns >= since_ns), None)


def grown(history: History) -> dict[str, tuple[float, float]]:
    """Return the numbers whose last reading is larger than all before the first fault, with both.

    A queue in use is never exactly as long as before: it may be longer by GROWN_BY.
    """
    first_fault_ns = history.view(run_timeline).first_fault_ns
    found = {}
    for name, readings in history.view(readings_by_name).items():
        numbers = [
            (one.asked_ns, one.events[0].moment, one.number) for one in readings if one.number is not None
        ]
        calm = [
            number
            for asked_ns, moment, number in numbers
            if moment == BEFORE or (moment != AFTER and first_fault_ns and asked_ns < first_fault_ns)
        ]
        last = [number for _, moment, number in numbers if moment == AFTER]
        if calm and last and last[-1] > max(calm) + GROWN_BY:
            found[name] = (max(calm), last[-1])
    return found


def _alike(tables: list[WholeReading]) -> list[WholeReading]:
    """Return the readings of one observation with numbers as rows, where others are tables of one column: the
    answer of a query that is one row with one number is a number. An empty answer has the columns of the
    others.
    """
    known = [table for table in tables if not table.unknown and table.number is None]
    columns = {table.columns for table in known if not table.is_empty_answer} or {
        table.columns for table in known
    }
    if len(columns) == 1:
        only = next(iter(columns))
        tables = [replace(table, columns=only) if table.is_empty_answer else table for table in tables]
    if len(columns) != 1 or len(column := next(iter(columns))) != 1:
        return tables
    return [_as_row(table, column) if table.number is not None else table for table in tables]


def _as_row(table: WholeReading, columns: tuple[str, ...]) -> WholeReading:
    number = table.number
    if number is None or abs(number) >= MAX_EXACT:
        return replace(table, number=None, unknown=table.unknown or "its one number is too large to be exact")
    return replace(table, number=None, columns=columns, rows=([number],))


def _table(name: str, events: list[Reading]) -> WholeReading:
    events = sorted(events, key=lambda one: one.part)
    first = events[0]
    rows = tuple(row for one in events for row in one.rows)
    return WholeReading(
        name, first.asked_ns, events[-1].at_ns, first.number, tuple(first.columns), rows,
        _unknown(events, rows), tuple(events),
    )  # fmt: skip


def _unknown(events: list[Reading], rows: tuple[list[Cell], ...]) -> str:
    """Return why the parts of a reading are none together; "" where they are."""
    first = events[0]
    if reason := next((one.unknown for one in events if one.unknown), ""):
        return reason
    if [one.part for one in events] != list(range(1, first.parts + 1)):
        return f"{len(events)} of its {first.parts} parts are there"
    if any(one.columns != first.columns or one.parts != first.parts for one in events):
        return "its parts have different columns"
    if first.number is None and not first.columns:
        return "it has neither a number nor columns"
    if first.number is not None and first.number != first.number:
        return "it is not a number (NaN)"
    if any(len(row) != len(first.columns) for row in rows):
        return "a row has not one cell for each column"
    return ""
