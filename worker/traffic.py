"""What went over the wire since the process started, over all its connections."""

from __future__ import annotations

from wire.channel import Channel
from wire.codec import Opener, Sealer
from wire.messages import Frame


class Traffic:
    """Totals; `changed` gives them once they differ from what it gave last."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._ended = [0, 0, 0, 0]
        self._sealer: Sealer | None = None
        self._opener: Opener | None = None
        self._frames_sent = self._frames_received = 0
        self._messages_sent = self._messages_received = 0
        self._given: dict[str, int] = {}

    def connected(self, sealer: Sealer, opener: Opener) -> None:
        """A new connection counts from here; what the one before it counted stays."""
        self._ended = self._bytes()
        self._sealer, self._opener = sealer, opener

    def sent(self, frame: Frame) -> None:
        """A frame went out."""
        self._frames_sent += 1
        self._messages_sent += len(frame.envelopes)

    def received(self, frame: Frame) -> None:
        """A frame came in whole."""
        self._frames_received += 1
        self._messages_received += len(frame.envelopes)

    def changed(self) -> dict[str, int] | None:
        """The fields of events.Traffic, or None when nothing changed."""
        raw_sent, wire_sent, raw_received, wire_received = self._bytes()
        totals = {
            "frames_sent": self._frames_sent,
            "frames_received": self._frames_received,
            "messages_sent": self._messages_sent,
            "messages_received": self._messages_received,
            "messages_resent": self._channel.resent,
            "duplicates_received": self._channel.duplicates,
            "raw_bytes_sent": raw_sent,
            "wire_bytes_sent": wire_sent,
            "raw_bytes_received": raw_received,
            "wire_bytes_received": wire_received,
            "queue_depth": self._channel.depth,
        }
        if totals == self._given:
            return None
        self._given = totals
        return totals

    def _bytes(self) -> list[int]:
        if self._sealer is None or self._opener is None:
            return self._ended
        sealer, opener = self._sealer, self._opener
        now = [sealer.raw_bytes, sealer.wire_bytes, opener.raw_bytes, opener.wire_bytes]
        return [ended + new for ended, new in zip(self._ended, now, strict=True)]
