"""Which echo answers which message: round trips, damaged bytes, messages that are missing or came twice.
Pure.
"""

from __future__ import annotations

import struct
import zlib
from collections import deque
from dataclasses import dataclass

MAX_OUTSTANDING = 512
_REMEMBERED = 64
_GARBAGE = 5
_NUMBER = struct.Struct(">I")
NUMBER_BYTES = _NUMBER.size
STAMP = struct.Struct(">QII")
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
class Stamp:
    """What the far end put before an echo: its monotonic clock when the message came, how many messages had
    come on this connection, and the CRC-32 of the message as it came.
    """

    at_ns: int
    count: int
    crc: int


def split(data: bytes) -> tuple[Stamp | None, bytes]:
    """The stamp and the message of one arrival; None and all of it where it is too short for a stamp."""
    if len(data) < STAMP.size:
        return None, data
    return Stamp(*STAMP.unpack_from(data)), data[STAMP.size :]


@dataclass(frozen=True)
class Echo:
    """What an arrival means. `sent` None: it came before already, or answers nothing. `missing` messages
    before it never came. With a stamp, `up_ns` is how long the message took to the far end (by two clocks,
    so only differences count), and the `_up` figures are the part of that direction; all else happened on
    the way back.
    """

    sent: Sent | None
    damaged_bytes: int = 0
    missing: int = 0
    repeated: bool = False
    up_ns: int | None = None
    damaged_up: int = 0
    missing_up: int = 0
    repeated_up: bool = False


class Echoes:
    """The messages of one connection that have not come back."""

    def __init__(self) -> None:
        self._outstanding: deque[Sent] = deque()
        self._heard: deque[tuple[bytes, int]] = deque(maxlen=_REMEMBERED)
        self._next = 1
        self._last_count = 0

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

    def arrived(self, data: bytes, stamp: Stamp | None = None) -> Echo:
        """What this arrival is: the echo of the oldest message, whole or damaged, of a later one, or of one
        that came already.
        """
        if self._outstanding:
            if data == self._outstanding[0].data:
                return self._take(0, data, 0, stamp)
            for place, sent in enumerate(self._outstanding):
                if data == sent.data:
                    return self._take(place, data, 0, stamp)
        for heard, count in self._heard:
            if data == heard:
                # A message that came twice at the far end was counted twice there.
                again_up = stamp is not None and stamp.count != count
                self._counted(stamp)
                return Echo(None, repeated=True, repeated_up=again_up)
        if not self._outstanding:
            return Echo(None)
        oldest = self._outstanding[0].data
        damaged = sum(ours != theirs for ours, theirs in zip(oldest, data, strict=False))
        # A damaged header shifts all that follows, a damaged mask spoils every fourth byte: not a count.
        if len(data) != len(oldest) or damaged * _GARBAGE > len(data):
            return Echo(None)
        return self._take(0, data, damaged, stamp)

    def _take(self, place: int, data: bytes, damaged: int, stamp: Stamp | None) -> Echo:
        for _ in range(place):
            self._outstanding.popleft()
        sent = self._outstanding.popleft()
        if stamp is None:
            self._heard.append((data, 0))
            return Echo(sent, damaged_bytes=damaged, missing=place)
        # Of those that are missing, the far end counted the ones that were lost on the way back.
        lost_down = max(0, stamp.count - self._last_count - 1)
        self._counted(stamp)
        self._heard.append((data, stamp.count))
        return Echo(
            sent,
            damaged_bytes=damaged,
            missing=place,
            up_ns=None if damaged else stamp.at_ns - sent.sent_ns,
            damaged_up=_damaged_up(sent.data, data, damaged, stamp.crc),
            missing_up=place - min(place, lost_down),
        )

    def _counted(self, stamp: Stamp | None) -> None:
        # A stamp may be damaged itself: a count that cannot be is none.
        if stamp is not None and 0 < stamp.count - self._last_count <= 2 * MAX_OUTSTANDING:
            self._last_count = stamp.count


def _damaged_up(sent: bytes, back: bytes, damaged: int, crc: int) -> int:
    """How many of an echo's damaged bytes were damaged on the way to the far end. Where both ways damaged
    it, half of them.
    """
    if not damaged or crc == zlib.crc32(sent):
        return 0
    return damaged if crc == zlib.crc32(back) else (damaged + 1) // 2
