"""A row is claimed that no operation sent."""

from __future__ import annotations

from collections.abc import Iterator

from driver.controls.control import Altered, Control
from driver.controls.final_rows import final_tables, with_rows
from driver.histories.history import History
from driver.histories.system_events import Reading

KEY = "key-of-a-control"


def alter(history: History) -> Iterator[Altered]:
    """Add the last row of each final reading again, with a key in one of its columns that was never sent."""
    for table in final_tables(history):
        for place, column in enumerate(table.columns):
            row = [*table.rows[-1][:place], KEY, *table.rows[-1][place + 1 :]]
            change = f"{KEY} in column {column} of {table.name}, which nothing sent"
            yield Altered(change, with_rows(history, table, [*table.rows, row]))


CONTROL = Control("row_claimed", "A row is added that nothing sent.", alter, (Reading,), rank=320)
