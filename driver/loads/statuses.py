"""Sets of HTTP statuses as in a file: `200`, `2xx`, `200-299`, or a list of these."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from chaos.explain import shown

_PART = re.compile(r"(?P<class>[1-5])xx|(?P<first>[1-5]\d\d)(?:-(?P<last>[1-5]\d\d))?")

Statuses = tuple[tuple[int, int], ...]
"""Ranges, both ends included."""


def _statuses(value: object) -> Statuses:
    """Return the ranges of a set of statuses. Raises ValueError."""
    if not isinstance(value, list | tuple):
        return (_range(value),)
    return tuple(one if isinstance(one, tuple) else _range(one) for one in value)


def _range(value: object) -> tuple[int, int]:
    match = _PART.fullmatch(str(value)) if not isinstance(value, bool) else None
    if match is None:
        raise ValueError(f"expected a status like 200, 2xx or 200-299; found {shown(value)}")
    if match["class"]:
        return int(match["class"]) * 100, int(match["class"]) * 100 + 99
    first = int(match["first"])
    last = int(match["last"] or first)
    if last < first:
        raise ValueError(f"expected a range like 200-299, the smaller first; found {shown(value)}")
    return first, last


def _written(ranges: Statuses) -> list[str]:
    return [str(first) if first == last else f"{first}-{last}" for first, last in ranges]


StatusSet = Annotated[
    Statuses,
    BeforeValidator(_statuses),
    PlainSerializer(_written, return_type=list[str]),
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "array"}],
            "examples": [200, "2xx", ["200-204", 409]],
        }
    ),
]


def is_in(status: int, ranges: Statuses) -> bool:
    """Whether a status is in one of the ranges."""
    return any(first <= status <= last for first, last in ranges)
