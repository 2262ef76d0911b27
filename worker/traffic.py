"""What went over the wire since the process started, over all its connections.

Bytes on the wire are those that the sockets moved: upgrade requests and their answers, frame headers, masks,
close frames, attempts that were refused. Raw bytes are those of the messages, before compression.
"""

from __future__ import annotations

from dataclasses import dataclass

from wire.channel import Channel
from wire.codec import Opener, Sealer
from wire.messages import Frame


@dataclass(slots=True)
class Moved:
    """Bytes that went into sockets and came out of them."""

    sent_bytes: int = 0
    received_bytes: int = 0


class Traffic:
    """Totals; `changed` gives them once they differ from what it gave last."""

    def __init__(self, channel: Channel) -> None:
        self.moved = Moved()
        self._channel = channel
        self._ended_raw = (0, 0)
        self._sealer: Sealer | None = None
        self._opener: Opener | None = None
        self._frames_sent = self._frames_received = 0
        self._messages_sent = self._messages_received = 0
        self._given: dict[str, int] = {}

    def connected(self, sealer: Sealer, opener: Opener) -> None:
        """A new connection counts from here; what the one before it counted stays."""
        self._ended_raw = self._raw_bytes()
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
        raw_sent, raw_received = self._raw_bytes()
        totals = {
            "frames_sent": self._frames_sent,
            "frames_received": self._frames_received,
            "messages_sent": self._messages_sent,
            "messages_received": self._messages_received,
            "messages_resent": self._channel.resent,
            "duplicates_received": self._channel.duplicates,
            "raw_bytes_sent": raw_sent,
            "wire_bytes_sent": self.moved.sent_bytes,
            "raw_bytes_received": raw_received,
            "wire_bytes_received": self.moved.received_bytes,
            "queue_depth": self._channel.depth,
        }
        if totals == self._given:
            return None
        self._given = totals
        return totals

    def _raw_bytes(self) -> tuple[int, int]:
        sent, received = self._ended_raw
        if self._sealer is not None and self._opener is not None:
            sent, received = sent + self._sealer.raw_bytes, received + self._opener.raw_bytes
        return sent, received
