"""The columns of readings of observations, which claims compare. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from chaos.explain import did_you_mean, shortened
from driver.claims.cells import key_of, listed
from driver.claims.claim import Field
from driver.claims.operations import is_ok, key_in
from driver.histories.history import History
from driver.histories.readings import WholeReading, final_reading, first_reading
from driver.histories.system_events import Cell, Operation


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
    if table.is_empty_answer:
        return [], ""
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


def sent_again(history: History, operations: Sequence[Operation], sent: Field, stored: Field) -> str:
    """Return a sentence on keys of acknowledged operations that were in a column before they were sent; ""
    where none was.
    """
    first, before = first_reading(history, stored.source), keys_before(history, stored)
    if first is None:
        return ""
    keys = [key_in(one, sent) for one in operations if is_ok(one) and one.call_ns >= first.at_ns]
    old = [key for key in keys if key is not None and key in before]
    if not old:
        return ""
    were, them = ("was", "it") if len(old) == 1 else ("were", "them")
    return f"{listed(old)} {were} in {stored} before being sent: nothing was tested of {them}"
