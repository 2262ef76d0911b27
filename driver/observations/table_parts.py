"""Splits a table into parts, each of which fits a line of the journal. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from driver.histories.system_events import Cell
from driver.observations.reading import ReadingError, ReadingTable

PART_BYTES = 1 << 20
TABLE_BYTES = 64 << 20
"""Of one reading; a larger one is unknown."""

Rows = Sequence[Sequence[Cell]]


def table_parts(
    table: ReadingTable, part_bytes: int = PART_BYTES, table_bytes: int = TABLE_BYTES
) -> Sequence[Rows]:
    """Return the rows of a table in parts, at least one. Raises ReadingError beyond `table_bytes`."""
    parts: list[list[Sequence[Cell]]] = [[]]
    size = whole = 0
    encode = msgspec.json.Encoder().encode
    for row in table.rows:
        length = len(encode(row)) + 1
        whole += length
        if whole > table_bytes:
            raise ReadingError(f"its rows have more than {table_bytes:,} bytes")
        if size and size + length > part_bytes:
            parts.append([])
            size = 0
        parts[-1].append(row)
        size += length
    return parts
