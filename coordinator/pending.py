"""Connections that were welcomed and have not spoken yet.

They change nothing: who sends a recorded hello again gets as far as this, and no further, since the code of a
frame covers both nonces.
"""

from __future__ import annotations

from dataclasses import dataclass

from coordinator.counters import Counters
from coordinator.effects import Close, Effects
from coordinator.session import NEVER_NS
from wire.codec import FrameDecoder, FrameEncoder
from wire.errors import CloseCode
from wire.handshake import Hello, Welcome


@dataclass(frozen=True, slots=True)
class Pending:
    """One of them, until `due_ns`. `decoder` and `encoder` have the keys that its first frame must fit."""

    id: int
    hello: Hello
    welcome: Welcome
    decoder: FrameDecoder
    encoder: FrameEncoder
    due_ns: int


class PendingConnections:
    """All of them, by number, in the order of their welcome."""

    def __init__(self, effects: Effects, counters: Counters) -> None:
        self._by_id: dict[int, Pending] = {}
        self._effects = effects
        self._counters = counters

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, connection: int) -> bool:
        return connection in self._by_id

    def get(self, connection: int) -> Pending | None:
        """The connection of that number, if it is pending."""
        return self._by_id.get(connection)

    def add(self, pending: Pending) -> None:
        """A hello was answered."""
        self._by_id[pending.id] = pending

    def forget(self, connection: int) -> None:
        """It spoke, or it ended."""
        self._by_id.pop(connection, None)

    def close(self, pending: Pending, code: CloseCode, reason: str) -> None:
        """It will never speak for anybody."""
        self.forget(pending.id)
        self._counters.add("connections_unused", code.name)
        self._effects.closes.append(Close(pending.id, code, reason))

    def expire(self, now_ns: int) -> None:
        """Close what did not speak in time."""
        while now_ns >= self.due_ns():
            oldest = next(iter(self._by_id.values()))
            self.close(oldest, CloseCode.heartbeat_timeout, "welcomed, and silent since")

    def due_ns(self) -> int:
        """When the oldest is closed; NEVER_NS where there is none."""
        return next(iter(self._by_id.values())).due_ns if self._by_id else NEVER_NS
