"""The tables of final readings, and copies of a history in which they have other rows. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from driver.histories.history import History
from driver.histories.readings import WholeReading, final_reading, readings_by_name
from driver.histories.system_events import Cell


def final_tables(history: History) -> Iterator[WholeReading]:
    """Yield the final reading of each observation that is a table with rows."""
    for name in history.view(readings_by_name):
        table = final_reading(history, name)
        if table is not None and not table.unknown and table.rows:
            yield table


def with_rows(history: History, table: WholeReading, rows: Sequence[Sequence[Cell]]) -> History:
    """Return a copy in which a reading has these rows, all in its first part."""
    parts = list(table.events)
    changed = [replace(one, rows=[list(row) for row in rows] if one is parts[0] else []) for one in parts]
    return history.altered(parts, changed)
