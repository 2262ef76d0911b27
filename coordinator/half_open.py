"""Connections that have not said yet what they want: at most so many, and the oldest makes room.

An honest end sends its upgrade request at once, so in a flood of connections that say nothing it is not the
oldest one for long.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

HALF_OPEN_MAX = 1_024


class HalfOpenConnection(Protocol):
    """A connection before its request."""

    def drop(self, why: str) -> None:
        """End it."""


class HalfOpenConnections:
    """The connections before their requests, in the order of their coming."""

    def __init__(self, most: int = HALF_OPEN_MAX) -> None:
        assert most >= 1
        self._most = most
        self._waiting: OrderedDict[int, HalfOpenConnection] = OrderedDict()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, stranger: HalfOpenConnection) -> None:
        """A new connection; the oldest is dropped where it would be one too many."""
        if len(self._waiting) >= self._most:
            self._waiting.popitem(last=False)[1].drop("half_open")
        self._waiting[id(stranger)] = stranger

    def remove(self, stranger: HalfOpenConnection) -> None:
        """The connection's request is here, or it ended."""
        self._waiting.pop(id(stranger), None)
