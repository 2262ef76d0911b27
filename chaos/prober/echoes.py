"""Which echo answers which message: round trips, damaged bytes, messages that are missing or came twice.
Pure.
"""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass

MAX_OUTSTANDING = 512
_REMEMBERED = 64
_GARBAGE = 5
_NUMBER = struct.Struct(">I")
NUMBER_BYTES = _NUMBER.size
_PATTERN = bytes(1 + index % 251 for index in range(1 << 16))


def message(number: int, size_bytes: int) -> bytes:
    """Message `number`, at least four bytes long: the number, and a pattern that begins elsewhere in each
    message.

    No byte of the pattern is zero, so that a byte that was zeroed differs.
    """
    begin = number * 17 % 251
    return _NUMBER.pack(number & 0xFFFFFFFF) + _PATTERN[begin : begin + max(0, size_bytes - NUMBER_BYTES)]


@dataclass(frozen=True)
class Sent:
    """A message on its way. `bulk` ones measure bytes and not round trips."""

    number: int
    data: bytes
    sent_ns: int
    bulk: bool


@dataclass(frozen=True)
class Echo:
    """What an arrival means. `sent` None: it came before already, or answers nothing. `missing` messages
    before it never came.
    """

    sent: Sent | None
    damaged_bytes: int = 0
    missing: int = 0
    repeated: bool = False


class Echoes:
    """The messages of one connection that have not come back."""

    def __init__(self) -> None:
        self._outstanding: deque[Sent] = deque()
        self._heard: deque[bytes] = deque(maxlen=_REMEMBERED)
        self._next = 1

    def __len__(self) -> int:
        return len(self._outstanding)

    @property
    def is_full(self) -> bool:
        """Whether no more should be sent before something comes back."""
        return len(self._outstanding) >= MAX_OUTSTANDING

    @property
    def oldest_sent_ns(self) -> int | None:
        """When the message that has waited longest was sent."""
        return self._outstanding[0].sent_ns if self._outstanding else None

    @property
    def newest_number(self) -> int:
        """The number of the message that was sent last."""
        return self._next - 1

    def send(self, size_bytes: int, now_ns: int, *, bulk: bool = False) -> Sent:
        """The next message, now outstanding."""
        sent = Sent(self._next, message(self._next, size_bytes), now_ns, bulk)
        self._next += 1
        self._outstanding.append(sent)
        return sent

    def arrived(self, data: bytes) -> Echo:
        """What this arrival is: the echo of the oldest message, whole or damaged, of a later one, or of one
        that came already.
        """
        if not self._outstanding:
            return Echo(None, repeated=data in self._heard)
        if data == self._outstanding[0].data:
            return self._take(0, data, 0)
        for place, sent in enumerate(self._outstanding):
            if data == sent.data:
                return self._take(place, data, 0)
        if data in self._heard:
            return Echo(None, repeated=True)
        oldest = self._outstanding[0].data
        damaged = sum(ours != theirs for ours, theirs in zip(oldest, data, strict=False))
        # A damaged header shifts all that follows, a damaged mask spoils every fourth byte: not a count.
        if len(data) != len(oldest) or damaged * _GARBAGE > len(data):
            return Echo(None)
        return self._take(0, data, damaged)

    def _take(self, place: int, data: bytes, damaged: int) -> Echo:
        for _ in range(place):
            self._outstanding.popleft()
        sent = self._outstanding.popleft()
        self._heard.append(data)
        return Echo(sent, damaged_bytes=damaged, missing=place)
