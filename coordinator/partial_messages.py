"""Memory of partial messages: of all connections together within a budget.

Beyond it, the connection whose message began first is ended: an honest peer finishes what it begins.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, Protocol

PARTIAL_MAX_BYTES: Final = 128 * 1024 * 1024


class PartialMessageSource(Protocol):
    """A connection with a partial message."""

    def give_up(self) -> None:
        """End the connection."""


class PartialMessages:
    """Sizes of partial messages by connection, in the order in which the messages began."""

    def __init__(self, limit_bytes: int = PARTIAL_MAX_BYTES) -> None:
        self.held_bytes = 0
        self._limit_bytes = limit_bytes
        self._parts: OrderedDict[PartialMessageSource, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._parts)

    def update(self, holder: PartialMessageSource, size_bytes: int) -> None:
        """Set the size of the connection's partial message; 0 where it has none, or ended."""
        self.held_bytes += size_bytes - self._parts.get(holder, 0)
        if size_bytes:
            self._parts[holder] = size_bytes
        else:
            self._parts.pop(holder, None)
        while self.held_bytes > self._limit_bytes:
            oldest, size_bytes = self._parts.popitem(last=False)
            self.held_bytes -= size_bytes
            oldest.give_up()
