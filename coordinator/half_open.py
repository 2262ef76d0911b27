"""Connections without an upgrade request yet: a limited number, from which the oldest is dropped.

An honest peer sends its upgrade request at once, so in a flood of idle connections it is not the
oldest for long.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

HALF_OPEN_MAX = 1_024


class HalfOpenConnection(Protocol):
    """A connection before its request."""

    def drop(self, why: str) -> None:
        """End the connection."""


class HalfOpenConnections:
    """The connections before their requests, in order of arrival."""

    def __init__(self, limit: int = HALF_OPEN_MAX) -> None:
        assert limit >= 1
        self._limit = limit
        self._waiting: OrderedDict[int, HalfOpenConnection] = OrderedDict()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, stranger: HalfOpenConnection) -> None:
        """Add a connection; beyond the limit, the oldest is dropped."""
        if len(self._waiting) >= self._limit:
            self._waiting.popitem(last=False)[1].drop("half_open")
        self._waiting[id(stranger)] = stranger

    def remove(self, stranger: HalfOpenConnection) -> None:
        """Remove a connection whose request arrived, or that ended."""
        self._waiting.pop(id(stranger), None)
