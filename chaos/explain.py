"""Texts of pydantic's findings: what was expected, what was found, the nearest known names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}
_KINDS = {
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}


def shown(value: object) -> str:
    """Return a value as in its file: `true`, not Python's `True`; text in quotes."""
    return str(value).lower() if isinstance(value, bool) else repr(value)


def shortened(text: str, most: int = 500) -> str:
    """Return `text`, without its middle where it has more than `most` characters."""
    if len(text) <= most:
        return text
    return f"{text[: most * 2 // 3]} … {text[-(most // 4) :]}"


def problem(error: Mapping[str, Any], unit: str = "") -> str:
    """Return `expected …; found …` for one of `ValidationError.errors()`; `unit` is the field's unit."""
    kind, found = error["type"], error["input"]
    if kind in _BOUNDS:
        word, bound = _BOUNDS[kind]
        return f"expected {word} {error['ctx'][bound]:g}{unit}; found {shown(found)}"
    if kind in _KINDS:
        return f"expected {_KINDS[kind]}; found {shown(found)}"
    message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    return (
        message
        if kind == "value_error"
        else f"expected {message[0].lower()}{message[1:]}; found {shown(found)}"
    )


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `Did you mean a or b?`, or all known names where none is near."""
    choices = list(known)
    return did_you_mean(name, choices) or (
        f"It can be: {', '.join(choices)}." if choices else "It takes none."
    )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `Did you mean a or b?` with at most three near names; "" where none is near."""
    near = difflib.get_close_matches(name[:100], list(known), n=3, cutoff=0.5)
    return f"Did you mean {' or '.join(near)}?" if near else ""
