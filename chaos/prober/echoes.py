"""Matches echoes with messages: round trips, damaged bytes, missing and duplicated messages. Pure."""

from __future__ import annotations

import struct
import zlib
from collections import deque
from dataclasses import dataclass

from wire.probe import STAMP

MAX_OUTSTANDING = 512
_MAX_SEEN = 64
_DAMAGE_LIMIT = 5
_NUMBER = struct.Struct(">I")
NUMBER_BYTES = _NUMBER.size
_PATTERN = bytes(1 + index % 251 for index in range(1 << 16))


def message(number: int, size_bytes: int) -> bytes:
    """Return message `number`, at least four bytes long: the number, and a pattern that begins elsewhere in
    each message.

    No byte of the pattern is zero, so that a zeroed byte differs.
    """
    begin = number * 17 % 251
    return _NUMBER.pack(number & 0xFFFFFFFF) + _PATTERN[begin : begin + max(0, size_bytes - NUMBER_BYTES)]


@dataclass(frozen=True)
class SentMessage:
    """A message in transit. `bulk` messages measure bytes and not round trips."""

    number: int
    data: bytes
    sent_ns: int
    bulk: bool


@dataclass(frozen=True)
class EchoStamp:
    """The far end's stamp in front of an echo: its monotonic clock at the arrival, the number of messages on
    this connection so far, and the CRC-32 of the message as it arrived.
    """

    at_ns: int
    count: int
    crc: int


def split_stamp(data: bytes) -> tuple[EchoStamp | None, bytes]:
    """Return the stamp and the message of one arrival; None and the whole where it is too short for a
    stamp.
    """
    if len(data) < STAMP.size:
        return None, data
    return EchoStamp(*STAMP.unpack_from(data)), data[STAMP.size :]


@dataclass(frozen=True)
class EchoMatch:
    """The meaning of an arrival. `sent` None: a duplicate, or an echo of no message. `missing` messages
    before it never arrived. With a stamp, `up_ns` is the time to the far end (by two clocks, so only
    differences are meaningful), and the `_up` counts are the part of that direction; all else happened on the
    way back.
    """

    sent: SentMessage | None
    damaged_bytes: int = 0
    missing: int = 0
    repeated: bool = False
    up_ns: int | None = None
    damaged_up: int = 0
    missing_up: int = 0
    repeated_up: bool = False


class OutstandingEchoes:
    """The messages of one connection that have no echo yet."""

    def __init__(self) -> None:
        self._outstanding: deque[SentMessage] = deque()
        self._seen: deque[tuple[bytes, int]] = deque(maxlen=_MAX_SEEN)
        self._next = 1
        self._last_count = 0

    def __len__(self) -> int:
        return len(self._outstanding)

    @property
    def is_full(self) -> bool:
        """Whether no more messages may be sent before an echo arrives."""
        return len(self._outstanding) >= MAX_OUTSTANDING

    @property
    def oldest_sent_ns(self) -> int | None:
        """When the oldest outstanding message was sent."""
        return self._outstanding[0].sent_ns if self._outstanding else None

    @property
    def newest_number(self) -> int:
        """The number of the newest message."""
        return self._next - 1

    def send(self, size_bytes: int, now_ns: int, *, bulk: bool = False) -> SentMessage:
        """Return the next message, which is outstanding from now on."""
        sent = SentMessage(self._next, message(self._next, size_bytes), now_ns, bulk)
        self._next += 1
        self._outstanding.append(sent)
        return sent

    def match(self, data: bytes, stamp: EchoStamp | None = None) -> EchoMatch:
        """Match an arrival: the echo of the oldest message, whole or damaged, of a later one, or a
        duplicate.
        """
        if self._outstanding:
            if data == self._outstanding[0].data:
                return self._take(0, data, 0, stamp)
            for place, sent in enumerate(self._outstanding):
                if data == sent.data:
                    return self._take(place, data, 0, stamp)
        for seen, count in self._seen:
            if data == seen:
                # The far end counts a message twice that arrives twice there.
                again_up = stamp is not None and stamp.count != count
                self._set_count(stamp)
                return EchoMatch(None, repeated=True, repeated_up=again_up)
        if not self._outstanding:
            return EchoMatch(None)
        oldest = self._outstanding[0].data
        damaged = sum(ours != theirs for ours, theirs in zip(oldest, data, strict=False))
        # A damaged header shifts all that follows, and a damaged mask spoils every fourth byte: not a count
        # of damage.
        if len(data) != len(oldest) or damaged * _DAMAGE_LIMIT > len(data):
            return EchoMatch(None)
        return self._take(0, data, damaged, stamp)

    def _take(self, place: int, data: bytes, damaged: int, stamp: EchoStamp | None) -> EchoMatch:
        for _ in range(place):
            self._outstanding.popleft()
        sent = self._outstanding.popleft()
        if stamp is None:
            self._seen.append((data, 0))
            return EchoMatch(sent, damaged_bytes=damaged, missing=place)
        # The far end counted those of the missing messages that were lost on the way back.
        lost_down = max(0, stamp.count - self._last_count - 1)
        self._set_count(stamp)
        self._seen.append((data, stamp.count))
        return EchoMatch(
            sent,
            damaged_bytes=damaged,
            missing=place,
            up_ns=None if damaged else stamp.at_ns - sent.sent_ns,
            damaged_up=_damaged_up(sent.data, data, damaged, stamp.crc),
            missing_up=place - min(place, lost_down),
        )

    def _set_count(self, stamp: EchoStamp | None) -> None:
        # A stamp may be damaged itself: an impossible count is ignored.
        if stamp is not None and 0 < stamp.count - self._last_count <= 2 * MAX_OUTSTANDING:
            self._last_count = stamp.count


def _damaged_up(sent: bytes, back: bytes, damaged: int, crc: int) -> int:
    """Return how many of an echo's damaged bytes were damaged on the way to the far end; half of them where
    both directions damaged it.
    """
    if not damaged or crc == zlib.crc32(sent):
        return 0
    return damaged if crc == zlib.crc32(back) else (damaged + 1) // 2
