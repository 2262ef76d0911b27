"""Turns what a system answered into a reading: bounded numbers and cells, never a wrong one. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from driver.histories.system_events import MAX_COLUMNS, MAX_ROWS, VALUE_CHARS, Cell
from driver.observations.reading import ReadingError, ReadingTable, Value
from driver.visible import one_line
from wire.limits import cut

SHOWN_CHARS = 300
COLUMN_CHARS = 200
VALUE_COLUMN = "value"
_INT64 = 1 << 63


def shown(text: object) -> str:
    """Return a text of the system's on one line, escaped and cut, for a reason."""
    return cut(one_line(str(text)), SHOWN_CHARS)


def number(value: object) -> float:
    """Return a value that is one number; a truth is 1 or 0. Raises ReadingError."""
    try:
        found = float(value.strip() if isinstance(value, str) else value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise ReadingError(f"expected one number; it answered {shown(repr(value))}") from None
    if not math.isfinite(found):
        raise ReadingError(f"expected a finite number; it answered {shown(value)}")
    return found


def cell(value: Any) -> Cell:
    """Return one value of a table. Raises ReadingError for one that is too long to be kept whole."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -_INT64 <= value < _INT64 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and abs(value) < _INT64 else str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return _text(bytes(value).decode(errors="backslashreplace"))
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping | list | tuple):
        return _text(_json(value))
    # Dates and times have this text.
    return _text(str(value.isoformat() if hasattr(value, "isoformat") else value))


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> ReadingTable:
    """Return a table of at most MAX_ROWS rows; `rows` is read no further. Raises ReadingError."""
    if len(columns) > MAX_COLUMNS:
        raise ReadingError(f"it answered {len(columns)} columns; at most {MAX_COLUMNS} are read")
    found: list[list[Cell]] = []
    for row in rows:
        if len(found) == MAX_ROWS:
            raise ReadingError(f"it answered more than {MAX_ROWS:,} rows")
        found.append([cell(value) for value in row])
    return ReadingTable(tuple(_column(one) for one in columns), found)


def value_of(found: object) -> Value:
    """Return a value of JSON or of Redis as a reading: a number where it is one, else a table.

    A list of mappings has a column for each key, a mapping the columns `key` and `value`, and any other list
    or text the column `value`. Raises ReadingError.
    """
    if isinstance(found, int | float | Decimal):
        return number(found)
    if found is None:
        return ReadingTable((VALUE_COLUMN,), ())
    if isinstance(found, Mapping):
        return table(("key", VALUE_COLUMN), found.items())
    if isinstance(found, str | bytes) or not isinstance(found, Iterable):
        text = cell(found)
        return (
            number(text) if isinstance(text, str) and _is_number(text) else table((VALUE_COLUMN,), [[text]])
        )
    entries = list(found)
    if entries and all(isinstance(one, Mapping) for one in entries):
        columns = list(dict.fromkeys(str(key) for one in entries for key in one))
        return table(columns, ([one.get(name) for name in columns] for one in entries))
    if entries and all(isinstance(one, list | tuple) for one in entries):
        width = max(map(len, entries))
        rows = ([*one, *[None] * (width - len(one))] for one in entries)
        return table([f"column{place}" for place in range(1, width + 1)], rows)
    return table((VALUE_COLUMN,), ([one] for one in entries))


def _json(value: object) -> str:
    """Return nested values as JSON. Raises ReadingError for what has none."""
    try:
        return msgspec.json.encode(_plain(value)).decode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ReadingError(f"it answered nested values that have no JSON: {shown(error)}") from None


def _plain(value: object) -> object:
    """Return nested values with texts in the place of bytes."""
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else value


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _column(name: object) -> str:
    return cut(_text(str(name)), COLUMN_CHARS)


def _text(text: str) -> str:
    if len(text) > VALUE_CHARS:
        raise ReadingError(
            f"it answered a value of {len(text):,} characters; {VALUE_CHARS:,} are kept at most"
        )
    # A lone surrogate has no UTF-8.
    return text.encode(errors="backslashreplace").decode()
