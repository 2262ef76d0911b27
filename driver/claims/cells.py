"""Cells as keys and as numbers: what comes from the system under test has any type. Pure.

A key is compared as text: 1, 1.0 and '1' are one key, as databases and JSON write one number in several ways;
'1.0' and '01' are others. true and false are `true` and `false`. NULL is no key.
A number is exact: 0.1 and '0.1' are one tenth. true, false, NULL, NaN and infinities are no numbers.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction

from driver.histories.system_events import Cell
from driver.visible import one_line
from wire.limits import cut

Number = int | Fraction
SHOWN_CHARS = 60
_INTEGER = re.compile(r"-?[0-9]{1,400}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,3})?")
_DIGITS_BITS = 4_096
"""A larger integer is written in hexadecimal: Python refuses to write very long decimals."""


def key_of(cell: Cell) -> str | None:
    """Return a cell as a key; None for NULL."""
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        if not math.isfinite(cell) or not cell.is_integer():
            return repr(cell)
        cell = int(cell)
    return str(cell) if cell.bit_length() < _DIGITS_BITS else hex(cell)


def number_of(cell: Cell) -> Number | None:
    """Return a cell as an exact number; None for what is none."""
    if cell is None or isinstance(cell, bool):
        return None
    if isinstance(cell, int):
        return cell
    if isinstance(cell, float):
        return Fraction(repr(cell)) if math.isfinite(cell) else None
    if _INTEGER.fullmatch(cell):
        return int(cell)
    return Fraction(cell) if _NUMBER.fullmatch(cell) else None


def shown(key: str | None) -> str:
    """Return a key for a sentence: quoted, escaped, on one line, and short."""
    return "NULL" if key is None else f"'{one_line(cut(key, SHOWN_CHARS))}'"


def listed(keys: list[str], most: int = 3) -> str:
    """Return the first keys for a sentence, and how many more there are."""
    more = f" and {len(keys) - most:,} more" if len(keys) > most else ""
    return ", ".join(map(shown, keys[:most])) + more
