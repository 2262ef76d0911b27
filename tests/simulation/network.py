"""A simulated TCP: each direction keeps order and has a delay; a connection may be cut, go half-open, be
damaged, or get messages that its link saw before.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.simulation.clock import Clock
from tests.simulation.invariants import BrokenError

Receive = Callable[[bytes], None]
Closed = Callable[[str], None]
SEEN = 16


@dataclass
class Wire:
    """What a link does to new bytes at present: delay in ms (low, high), damage per message, how often it
    plays one again that it saw, of whatever direction and connection, and whether it is silent.
    """

    delay_ms: tuple[float, float] = (0.2, 5.0)
    damage: float = 0.0
    replay: float = 0.0
    silent: bool = False
    refusing: bool = False
    seen: deque[bytes] = field(default_factory=lambda: deque(maxlen=SEEN))


@dataclass
class _Direction:
    receive: Receive
    closed: Closed
    free_at_ns: int = 0
    is_closed: bool = False


@dataclass
class Connection:
    """Two directions over one link; index 0 is the worker's end, 1 the coordinator's."""

    clock: Clock
    chance: random.Random
    wire: Wire
    ends: list[_Direction] = field(default_factory=list)
    sent: tuple[deque[bytes], deque[bytes]] = field(default_factory=lambda: (deque(), deque()))

    def attach(self, receive: Receive, closed: Closed) -> None:
        """Give an end its callbacks: the worker's first, then the coordinator's.

        The worker may be gone when the coordinator accepts; then that is the first thing it hears.
        """
        self.ends.append(_Direction(receive, closed))
        if len(self.ends) > 1 and self.ends[0].is_closed and not self.wire.silent:
            self._end(self.ends[1], "reset")

    def send(self, end: int, data: bytes) -> None:
        """Bytes from `end` to the other one. What is sent into a silent link is lost with the connection."""
        other = self.ends[1 - end]
        if other.is_closed or self.ends[end].is_closed:
            return
        self.sent[end].append(data)
        if self.wire.silent:
            return
        self.wire.seen.append(data)
        if self.chance.random() < self.wire.damage:
            damaged = bytearray(data)
            damaged[self.chance.randrange(len(damaged))] ^= 1 << self.chance.randrange(8)
            data = bytes(damaged)
        self._deliver(other, lambda: other.receive(data))
        if self.chance.random() < self.wire.replay:
            seen = self.wire.seen
            again = seen[-1] if self.chance.random() < 0.5 else self.chance.choice(seen)
            self._deliver(other, lambda: other.receive(again))

    def believed(self, end: int, data: bytes) -> None:
        """`end` took these bytes for a frame of the other one: they are the next that it sent, or
        BrokenError.
        """
        sent = self.sent[1 - end]
        if not sent or sent.popleft() != data:
            raise BrokenError("a frame was believed that the other end did not send, or not now")

    def close(self, end: int, why: str) -> None:
        """`end` closes: it is done at once; the other end hears of it, unless the link is silent."""
        self.ends[end].is_closed = True
        if len(self.ends) > 1 and not self.wire.silent:
            self._end(self.ends[1 - end], why)

    def cut(self, why: str) -> None:
        """The link ends the connection: both ends hear of it, each after its own delay."""
        for end in self.ends:
            self._end(end, why)

    def _end(self, end: _Direction, why: str) -> None:
        def finish() -> None:
            if not end.is_closed:
                end.is_closed = True
                end.closed(why)

        self._deliver(end, finish, even_closed=True)

    def _deliver(self, end: _Direction, call: Callable[[], None], *, even_closed: bool = False) -> None:
        low, high = self.wire.delay_ms
        at_ns = self.clock.now_ns + int(self.chance.uniform(low, high) * 1e6)
        end.free_at_ns = max(end.free_at_ns, at_ns)

        def arrive() -> None:
            if even_closed or not end.is_closed:
                call()

        self.clock.at(end.free_at_ns, arrive)
