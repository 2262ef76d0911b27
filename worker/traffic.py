"""Traffic counters since the process started, over all its connections.

Wire bytes are all bytes that the sockets moved: upgrade requests and responses, frame headers, masks, close
frames, refused attempts. Raw bytes are those of the messages, before compression.
"""

from __future__ import annotations

from dataclasses import dataclass

from wire.channel import Channel
from wire.codec import FrameDecoder, FrameEncoder
from wire.messages import Frame


@dataclass(slots=True)
class SocketBytes:
    """Bytes written to and read from sockets."""

    sent_bytes: int = 0
    received_bytes: int = 0


class TrafficCounters:
    """Totals over all connections; `changed` returns them when they differ from those it returned last."""

    def __init__(self, channel: Channel) -> None:
        self.socket_bytes = SocketBytes()
        self._channel = channel
        self._ended_raw = (0, 0)
        self._encoder: FrameEncoder | None = None
        self._decoder: FrameDecoder | None = None
        self._frames_sent = self._frames_received = 0
        self._messages_sent = self._messages_received = 0
        self._reported: dict[str, int] = {}

    def connected(self, encoder: FrameEncoder, decoder: FrameDecoder) -> None:
        """Count a new connection from here, on top of the earlier ones."""
        self._ended_raw = self._raw_bytes()
        self._encoder, self._decoder = encoder, decoder

    def sent(self, frame: Frame) -> None:
        """Count a frame that was sent."""
        self._frames_sent += 1
        self._messages_sent += len(frame.envelopes)

    def received(self, frame: Frame) -> None:
        """Count a whole frame that arrived."""
        self._frames_received += 1
        self._messages_received += len(frame.envelopes)

    def changed(self) -> dict[str, int] | None:
        """Return the fields of events.TrafficTotals, or None when nothing changed."""
        raw_sent, raw_received = self._raw_bytes()
        totals = {
            "frames_sent": self._frames_sent,
            "frames_received": self._frames_received,
            "messages_sent": self._messages_sent,
            "messages_received": self._messages_received,
            "messages_resent": self._channel.resent,
            "duplicates_received": self._channel.duplicates,
            "raw_bytes_sent": raw_sent,
            "wire_bytes_sent": self.socket_bytes.sent_bytes,
            "raw_bytes_received": raw_received,
            "wire_bytes_received": self.socket_bytes.received_bytes,
            "queue_depth": self._channel.depth,
        }
        if totals == self._reported:
            return None
        self._reported = totals
        return totals

    def _raw_bytes(self) -> tuple[int, int]:
        sent, received = self._ended_raw
        if self._encoder is not None and self._decoder is not None:
            sent, received = sent + self._encoder.raw_bytes, received + self._decoder.raw_bytes
        return sent, received
