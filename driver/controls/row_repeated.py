"""A row of a final reading is there twice."""

from __future__ import annotations

from collections.abc import Iterator

from driver.claims.cells import key_of
from driver.controls.control import Altered, Control, growing, several
from driver.controls.final_rows import final_tables, with_rows
from driver.histories.history import History
from driver.histories.system_events import Reading


def alter(history: History) -> Iterator[Altered]:
    """Repeat rows of each final reading at its end."""
    for table in final_tables(history):
        for some in growing(table.rows):
            first = next((key for cell in some[0] if (key := key_of(cell)) is not None), "NULL")
            change = f"the row of {several(first, len(some))} twice in {table.name}"
            yield Altered(change, with_rows(history, table, [*table.rows, *some]))


CONTROL = Control("row_repeated", "A row of a final reading is there twice.", alter, (Reading,), rank=310)
