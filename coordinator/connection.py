"""Connections before and after their first frame, and the traffic of all of them.

A pending connection changes nothing: a recorded hello that is sent again gets this far and no
further, since the MAC of a frame covers both nonces.
"""

from __future__ import annotations

from dataclasses import dataclass

from coordinator.counters import MetricCounters
from coordinator.effects import Close, Effects
from coordinator.session import NEVER_NS, Session
from wire import events
from wire.codec import FrameDecoder, FrameEncoder
from wire.errors import CloseCode
from wire.events import Journal
from wire.handshake import Hello, Welcome
from wire.messages import Frame, LeasesRenewed


@dataclass(frozen=True, slots=True)
class PendingConnection:
    """An accepted handshake without a first frame yet, until `due_ns`. `decoder` and `encoder` have the keys
    that this frame must match.
    """

    id: int
    hello: Hello
    welcome: Welcome
    decoder: FrameDecoder
    encoder: FrameEncoder
    due_ns: int


class PendingConnections:
    """All pending connections, by number, in the order of their welcome."""

    def __init__(self, effects: Effects, counters: MetricCounters) -> None:
        self._by_id: dict[int, PendingConnection] = {}
        self._effects = effects
        self._counters = counters

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, connection: int) -> bool:
        return connection in self._by_id

    def get(self, connection: int) -> PendingConnection | None:
        """Return the pending connection of that number, if there is one."""
        return self._by_id.get(connection)

    def add(self, pending: PendingConnection) -> None:
        """Add a connection whose hello was accepted."""
        self._by_id[pending.id] = pending

    def forget(self, connection: int) -> None:
        """Remove a connection that sent its first frame, or ended."""
        self._by_id.pop(connection, None)

    def close(self, pending: PendingConnection, code: CloseCode, reason: str) -> None:
        """Close a connection that never had a session."""
        self.forget(pending.id)
        self._counters.add("connections_unused", code.name)
        self._effects.closes.append(Close(pending.id, code, reason))

    def expire(self, now_ns: int) -> None:
        """Close the connections whose first frame is overdue."""
        while now_ns >= self.due_ns():
            oldest = next(iter(self._by_id.values()))
            self.close(oldest, CloseCode.heartbeat_timeout, "no frame after the welcome")

    def due_ns(self) -> int:
        """Return the time at which the oldest is closed; NEVER_NS where there is none."""
        return next(iter(self._by_id.values())).due_ns if self._by_id else NEVER_NS


@dataclass(slots=True, eq=False)
class Connection:
    """The active connection of a session. `acked` is the last acknowledgement sent on it, `answer` the answer
    to a heartbeat that goes with the next frame.
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
class SocketTotals:
    """Bytes that workers' sockets sent and received."""

    sent_bytes: int = 0
    received_bytes: int = 0


class ConnectionTraffic:
    """Decodes and encodes the frames of all connections, and counts them.

    `socket_totals`, where there are sockets, counts their bytes: upgrades, refusals, frame headers
    and masks included. Without it, only the frames count.
    """

    def __init__(self) -> None:
        self.totals = dict.fromkeys(COUNTED, 0)
        self.socket_totals: SocketTotals | None = None
        self._recorded = dict(self.totals)

    def decode(self, conn: Connection | PendingConnection, data: bytes | str) -> Frame:
        """Return the frame in `data`. Raises FrameError."""
        decoder, totals = conn.decoder, self.totals
        raw_bytes, wire_bytes = decoder.raw_bytes, decoder.wire_bytes
        frame = decoder.decode(data)
        totals["frames_received"] += 1
        totals["messages_received"] += len(frame.envelopes)
        totals["raw_bytes_received"] += decoder.raw_bytes - raw_bytes
        totals["wire_bytes_received"] += decoder.wire_bytes - wire_bytes
        return frame

    def encode_next(self, conn: Connection, now_ns: int) -> bytes | None:
        """Return the bytes of the next frame that is worth sending, or None."""
        channel, answer, encoder, totals = (
            conn.session.channel,
            conn.answer,
            conn.encoder,
            self.totals,
        )
        if answer is None and channel.committed == conn.acked and not channel.has_more():
            return None
        resent, raw_bytes, wire_bytes = channel.resent, encoder.raw_bytes, encoder.wire_bytes
        frame = channel.take(now_ns, () if answer is None else (answer,))
        conn.answer, conn.acked = None, frame.ack
        data = encoder.encode(frame)
        totals["frames_sent"] += 1
        totals["messages_sent"] += len(frame.envelopes)
        totals["messages_resent"] += channel.resent - resent
        totals["raw_bytes_sent"] += encoder.raw_bytes - raw_bytes
        totals["wire_bytes_sent"] += encoder.wire_bytes - wire_bytes
        return data

    def record(self, journal: Journal) -> None:
        """Write the totals into the journal, if they changed since the last call."""
        now = self.now()
        if now != self._recorded:
            self._recorded = dict(now)
            journal(events.TrafficTotals, **now)

    def now(self) -> dict[str, int]:
        """Return the totals, by the names in `COUNTED`."""
        if self.socket_totals is None:
            return self.totals
        sent, received = self.socket_totals.sent_bytes, self.socket_totals.received_bytes
        return {**self.totals, "wire_bytes_sent": sent, "wire_bytes_received": received}
