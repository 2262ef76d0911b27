"""Two rows of a final reading are swapped."""

from __future__ import annotations

from collections.abc import Iterator

from driver.claims.cells import key_of
from driver.controls.control import Altered, Control, name_of
from driver.controls.final_rows import final_tables, with_rows
from driver.histories.history import History
from driver.histories.readings import WholeReading
from driver.histories.system_events import Reading


def alter(history: History) -> Iterator[Altered]:
    """Swap two rows of one key, for each column that may be the key; then put all rows in reverse order."""
    for table in final_tables(history):
        for place, column in enumerate(table.columns):
            if pair := _pair(table, place):
                one, other = pair
                rows = list(table.rows)
                rows[one], rows[other] = rows[other], rows[one]
                key = name_of(key_of(table.rows[one][place]))
                change = f"rows {one + 1:,} and {other + 1:,} of {table.name} swapped ({column} {key})"
                yield Altered(change, with_rows(history, table, rows))
        yield Altered(f"the rows of {table.name} in reverse", with_rows(history, table, table.rows[::-1]))


def _pair(table: WholeReading, place: int) -> tuple[int, int] | None:
    """Return the last two rows, which differ, with one cell in a column; None where each has its own."""
    last: dict[str, int] = {}
    for index in range(len(table.rows) - 1, -1, -1):
        key = key_of(table.rows[index][place])
        if key in last and list(table.rows[last[key]]) != list(table.rows[index]):
            return index, last[key]
        if key is not None:
            last.setdefault(key, index)
    return None


CONTROL = Control("rows_swapped", "Two rows of a final reading are swapped.", alter, (Reading,), rank=330)
