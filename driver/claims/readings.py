"""Readings of observations as tables: the first and the final one, put together from their parts. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chaos.explain import did_you_mean, shortened
from driver.claims.cells import key_of
from driver.claims.claim import Field
from driver.histories.history import History
from driver.histories.system_events import Cell, Reading

BEFORE, AFTER = "before", "after"
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
    return next((table for table in _of(history, name) if table.events[0].moment == BEFORE), None)


def final_reading(history: History, name: str) -> WholeReading | None:
    """Return the last reading after healing and settling, whether it is known or not; None without one."""
    return next((one for one in reversed(_of(history, name)) if one.events[0].moment == AFTER), None)


def final_cells(history: History, field: Field) -> tuple[WholeReading | None, list[Cell], str]:
    """Return the final reading of a field's observation, the field's cells in its rows, and why it is unknown
    ("" where it is known).
    """
    table = final_reading(history, field.source)
    if table is None:
        return None, [], f"{field.source} was not read after the last fault"
    if table.unknown:
        return table, [], f"the final reading of {field.source} is unknown: {shortened(table.unknown, 200)}"
    cells, trouble = cells_of(table, field.name)
    return table, cells, trouble


def cells_of(table: WholeReading, column: str) -> tuple[list[Cell], str]:
    """Return the cells of a column, and why there are none ("" where it is there)."""
    if table.number is not None:
        return [], f"{table.name} is one number, and has no column {column!r}"
    places = [place for place, name in enumerate(table.columns) if name == column]
    if len(places) != 1:
        problem = "has no column" if not places else f"has {len(places)} columns named"
        near = did_you_mean(column, table.columns)
        has = shortened(", ".join(table.columns), 200) or "none"
        return [], f"{table.name} {problem} {column!r}; its columns: {has}{f'. {near}' if near else ''}"
    return [row[places[0]] for row in table.rows], ""


def keys_before(history: History, field: Field) -> frozenset[str]:
    """Return the keys of a column before the first fault; none where that reading is unknown."""
    table = first_reading(history, field.source)
    if table is None or table.unknown:
        return frozenset()
    cells, _ = cells_of(table, field.name)
    return frozenset(key for cell in cells if (key := key_of(cell)) is not None)


def _of(history: History, name: str) -> list[WholeReading]:
    return history.view(readings_by_name).get(name, [])


def _alike(tables: list[WholeReading]) -> list[WholeReading]:
    """Return the readings of one observation with numbers as rows, where others are tables of one column: the
    answer of a query that is one row with one number is a number.
    """
    columns = {table.columns for table in tables if not table.unknown and table.number is None}
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
