"""One connection of a session, and what travels over all of them."""

from __future__ import annotations

from dataclasses import dataclass

from coordinator.pending import Pending
from coordinator.session import Session
from wire import events
from wire.codec import FrameDecoder, FrameEncoder
from wire.events import Journal
from wire.messages import Frame, LeasesRenewed


@dataclass(slots=True, eq=False)
class Connection:
    """A connection speaks for its session until another one does. `acked` is the last acknowledgement that it
    was sent.
    """

    id: int
    session: Session
    decoder: FrameDecoder
    encoder: FrameEncoder
    acked: int
    answer: LeasesRenewed | None = None


COUNTED = (
    "frames_sent", "frames_received", "messages_sent", "messages_received", "messages_resent",
    "duplicates_received", "raw_bytes_sent", "wire_bytes_sent", "raw_bytes_received", "wire_bytes_received",
)  # fmt: skip


@dataclass(slots=True)
class Moved:
    """Bytes that went into sockets and came out of them."""

    sent_bytes: int = 0
    received_bytes: int = 0


class Traffic:
    """Opens and seals the frames of all connections, and counts them.

    Where there are sockets, `moved` has what workers' connections moved: upgrades, refusals, frame headers
    and masks among it. Without, the frames alone are known.
    """

    def __init__(self) -> None:
        self.totals = dict.fromkeys(COUNTED, 0)
        self.moved: Moved | None = None
        self._recorded = dict(self.totals)

    def open(self, speaker: Connection | Pending, data: bytes | str) -> Frame:
        """The frame in `data`. Raises FrameError."""
        decoder, totals = speaker.decoder, self.totals
        raw_bytes, wire_bytes = decoder.raw_bytes, decoder.wire_bytes
        frame = decoder.decode(data)
        totals["frames_received"] += 1
        totals["messages_received"] += len(frame.envelopes)
        totals["raw_bytes_received"] += decoder.raw_bytes - raw_bytes
        totals["wire_bytes_received"] += decoder.wire_bytes - wire_bytes
        return frame

    def seal(self, speaker: Connection, now_ns: int) -> bytes | None:
        """The bytes of the next frame that is worth sending, or None."""
        channel, answer, encoder, totals = (
            speaker.session.channel,
            speaker.answer,
            speaker.encoder,
            self.totals,
        )
        if answer is None and channel.committed == speaker.acked and not channel.has_more():
            return None
        resent, raw_bytes, wire_bytes = channel.resent, encoder.raw_bytes, encoder.wire_bytes
        frame = channel.take(now_ns, () if answer is None else (answer,))
        speaker.answer, speaker.acked = None, frame.ack
        data = encoder.encode(frame)
        totals["frames_sent"] += 1
        totals["messages_sent"] += len(frame.envelopes)
        totals["messages_resent"] += channel.resent - resent
        totals["raw_bytes_sent"] += encoder.raw_bytes - raw_bytes
        totals["wire_bytes_sent"] += encoder.wire_bytes - wire_bytes
        return data

    def record(self, journal: Journal) -> None:
        """Write the totals down, if they changed since the last time."""
        now = self.now()
        if now != self._recorded:
            self._recorded = dict(now)
            journal(events.TrafficTotals, **now)

    def now(self) -> dict[str, int]:
        """The totals, as `COUNTED` names them."""
        if self.moved is None:
            return self.totals
        sent, received = self.moved.sent_bytes, self.moved.received_bytes
        return {**self.totals, "wire_bytes_sent": sent, "wire_bytes_received": received}
