"""A simulated TCP: each direction keeps order and has a delay; a connection may be cut, go half-open, be
damaged, or get messages that its link saw before.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from tests.simulation.breach import BrokenError
from tests.simulation.clock import Clock

Receive = Callable[[bytes], None]
Closed = Callable[[str], None]
SEEN: Final = 16


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
    on_sent: Callable[[int], None] | None = None
    """Called with the end that sent a frame."""

    def delay_ns(self, chance: random.Random) -> float:
        """A delay, drawn."""
        low_ms, high_ms = self.delay_ms
        return (low_ms + (high_ms - low_ms) * chance.random()) * 1e6


class _End:
    """One end of a connection: its callbacks, and its frames that the other end has not accepted yet."""

    __slots__ = ("closed", "free_at_ns", "is_closed", "receive", "sent")

    def __init__(self, receive: Receive, closed: Closed) -> None:
        self.receive = receive
        self.closed = closed
        self.free_at_ns = 0
        self.is_closed = False
        self.sent: list[bytes] = []


class _Arrival:
    """Bytes on their way to an end."""

    __slots__ = ("_data", "_end")

    def __init__(self, end: _End, data: bytes) -> None:
        self._end = end
        self._data = data

    def __call__(self) -> None:
        if not self._end.is_closed:
            self._end.receive(self._data)


class Connection:
    """Two directions over one link; end 0 is the worker's, 1 the coordinator's."""

    __slots__ = ("_chance", "_clock", "_wire", "ends")

    def __init__(self, clock: Clock, chance: random.Random, wire: Wire) -> None:
        self._clock = clock
        self._chance = chance
        self._wire = wire
        self.ends: list[_End] = []

    def attach(self, receive: Receive, closed: Closed) -> None:
        """Add an end with its callbacks: the worker's first, then the coordinator's.

        If the worker has closed before the coordinator accepts, the coordinator's end is closed at once.
        """
        self.ends.append(_End(receive, closed))
        if len(self.ends) > 1 and self.ends[0].is_closed and not self._wire.silent:
            self._end(self.ends[1], "reset")

    def send(self, end: int, data: bytes) -> None:
        """Bytes from `end` to the other one. What is sent into a silent link is lost with the connection."""
        own, other, wire, chance = self.ends[end], self.ends[1 - end], self._wire, self._chance
        if other.is_closed or own.is_closed:
            return
        own.sent.append(data)
        if wire.on_sent is not None:
            wire.on_sent(end)
        if wire.silent:
            return
        wire.seen.append(data)
        if chance.random() < wire.damage:
            damaged = bytearray(data)
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
            data = bytes(damaged)
        self._deliver(other, _Arrival(other, data))
        if chance.random() < wire.replay:
            seen = wire.seen
            again = seen[-1] if chance.random() < 0.5 else chance.choice(seen)
            self._deliver(other, _Arrival(other, again))

    def accepted(self, end: int, data: bytes) -> None:
        """Record that `end` accepted these bytes as a frame. Raises BrokenError unless they are the next
        ones that the other end sent.
        """
        sent = self.ends[1 - end].sent
        if not sent or sent.pop(0) != data:
            raise BrokenError("a frame was accepted that the other end did not send, or not now")

    def close(self, end: int, why: str) -> None:
        """Close `end` at once; the other end receives the close, unless the link is silent."""
        self.ends[end].is_closed = True
        if len(self.ends) > 1 and not self._wire.silent:
            self._end(self.ends[1 - end], why)

    def cut(self, why: str) -> None:
        """Break the connection at the link: both ends receive the loss, each after its own delay."""
        for end in self.ends:
            self._end(end, why)

    def _end(self, end: _End, why: str) -> None:
        def finish() -> None:
            if not end.is_closed:
                end.is_closed = True
                end.closed(why)

        self._deliver(end, finish)

    def _deliver(self, end: _End, call: Callable[[], None]) -> None:
        at_ns = self._clock.now_ns + int(self._wire.delay_ns(self._chance))
        end.free_at_ns = max(end.free_at_ns, at_ns)
        self._clock.at(end.free_at_ns, call)
