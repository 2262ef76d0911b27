"""Scalars of scenario files and flags: numbers, booleans and text, each within limits. Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

MAX_DIGITS = 40
MAX_WHOLE = 2**63 - 1
_SEXAGESIMAL = ":"
_BOOLEANS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")

Scalar = str | int | float | bool | None


class ScalarError(ValueError):
    """A value that cannot be read. The text names what was expected and found."""


@dataclass
class Budget:
    """Remaining values and characters that one file may expand to: aliases and variables repeat values."""

    values: int = 20_000
    characters: int = 2 << 20

    def take(self, value: object) -> None:
        """Count one value. Raises ScalarError when it exceeds the budget."""
        self.values -= 1
        self.characters -= len(value) if isinstance(value, str) else 0
        if self.values < 0 or self.characters < 0:
            raise ScalarError(
                f"expected at most {Budget.values:,} values and {Budget.characters:,} characters of text; "
                "aliases and variables expand to more"
            )


def read_scalar(kind: str, text: str) -> Scalar:
    """Return the value of `text`, which YAML resolves to `kind` (int, float, bool, null, merge; else text).

    Raises ScalarError: numbers have at most 40 digits and 64 bits and are finite, text has no NUL and no
    lone surrogates.
    """
    if kind == "null":
        return None
    if kind == "bool":
        return _BOOLEANS[text.lower()]
    if kind == "merge":
        raise ScalarError("merge keys (`<<`) are not read here; write the keys out")
    if kind in ("int", "float") and _SEXAGESIMAL not in text:
        return _number(kind, text)
    return read_text(text)


def read_text(text: str) -> str:
    """Return `text`. Raises ScalarError for a NUL or a lone surrogate."""
    if found := _NO_TEXT.search(text):
        raise ScalarError(f"expected text; found the character U+{ord(found[0]):04X}, which is none")
    return text


def _number(kind: str, text: str) -> int | float:
    digits = text.replace("_", "")
    if len(digits) > MAX_DIGITS:
        raise ScalarError(f"expected a number of at most {MAX_DIGITS} digits; found {len(digits)} of them")
    try:
        number = _whole(digits.lower()) if kind == "int" else _float(digits.lower())
    except ValueError:
        raise ScalarError(f"expected a number, or text in quotes; found {text}") from None
    if isinstance(number, int) and abs(number) > MAX_WHOLE:
        raise ScalarError(f"expected a whole number of at most 64 bits; found {text}")
    if not math.isfinite(number):
        raise ScalarError(f"expected a finite number, or text in quotes; found {text}")
    return number


def _float(digits: str) -> float:
    # Python's inf and nan have no dot.
    return float(digits.replace(".inf", "inf").replace(".nan", "nan"))


def _whole(digits: str) -> int:
    sign = -1 if digits[0] == "-" else 1
    digits = digits.lstrip("+-")
    if digits.startswith(("0x", "0b")):
        return sign * int(digits[2:], 16 if digits[1] == "x" else 2)
    # YAML 1.1 reads a leading zero as octal.
    return sign * int(digits, 8 if digits.startswith("0") else 10)
