"""A row is forgotten: the key of an acknowledged operation is taken out of a final reading."""

from __future__ import annotations

from collections.abc import Iterator

from driver.claims.cells import key_of
from driver.claims.operations import is_ok
from driver.controls.control import Altered, Control, growing, several
from driver.controls.final_rows import final_tables, with_rows
from driver.histories.history import History
from driver.histories.system_events import Operation, Reading


def alter(history: History) -> Iterator[Altered]:
    """Take rows out of each final reading, those with the key of an acknowledged operation first."""
    sent = {one.key for one in history.of(Operation) if is_ok(one)} - {""}
    sent |= {key for one in history.of(Operation) if is_ok(one) and (key := key_of(one.value))}
    for table in final_tables(history):
        keys = [key for row in reversed(table.rows) for cell in row if (key := key_of(cell)) in sent]
        for some in growing(list(dict.fromkeys(keys))):
            gone = set(some)
            rows = [row for row in table.rows if gone.isdisjoint(map(key_of, row))]
            change = f"{several(some[0], len(some))} forgotten in {table.name}"
            yield Altered(change, with_rows(history, table, rows))
        if table.rows and not keys:
            change = f"all {len(table.rows):,} rows of {table.name} forgotten"
            yield Altered(change, with_rows(history, table, []))


CONTROL = Control("row_forgotten", "A row is taken out of a final reading.", alter, (Reading,), rank=300)
