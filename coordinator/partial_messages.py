"""Bytes that came in and make no whole message yet: of all connections together within a budget.

Where they are too many, the message that was begun first is given up with its connection: an honest end
finishes what it begins.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, Protocol

PARTIAL_MAX_BYTES: Final = 128 * 1024 * 1024


class PartialMessageSource(Protocol):
    """A connection with a part of a message."""

    def give_up(self) -> None:
        """End it."""


class PartialMessages:
    """Parts of messages by their connection, in the order in which the messages were begun."""

    def __init__(self, most_bytes: int = PARTIAL_MAX_BYTES) -> None:
        self.held_bytes = 0
        self._most_bytes = most_bytes
        self._parts: OrderedDict[PartialMessageSource, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._parts)

    def update(self, holder: PartialMessageSource, size_bytes: int) -> None:
        """`holder` has so many bytes of a message now; 0: it has none, or has ended."""
        self.held_bytes += size_bytes - self._parts.get(holder, 0)
        if size_bytes:
            self._parts[holder] = size_bytes
        else:
            self._parts.pop(holder, None)
        while self.held_bytes > self._most_bytes:
            oldest, size_bytes = self._parts.popitem(last=False)
            self.held_bytes -= size_bytes
            oldest.give_up()
