"""One connection of the coordinator: input is parsed in pieces, within limits, and no faster than it is
processed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import Event, State

from coordinator.connection import SocketTotals
from coordinator.half_open import HalfOpenConnections
from coordinator.partial_messages import PartialMessages
from coordinator.rate_limits import HANDSHAKE_BYTES, PROBE, ConnectionBudget
from coordinator.session_manager import AcceptedHandshake
from wire.errors import FrameError, FrameFault
from wire.probe_stream import ProbeStream

PIECE_BYTES = 4_096
"""Bytes parsed at a time while frames are tiny: a flood is detected within some hundred frames."""
PIECE_MAX_BYTES = 64 * 1024
CROWDED = 32
"""Frames in one piece that make the next one small."""
DATA = (Opcode.CONT, Opcode.TEXT, Opcode.BINARY)
BROKEN = {1002: FrameFault.framing, 1007: FrameFault.framing, 1009: FrameFault.too_large}


class ClientTransport(ServerConnection):
    """A connection, and the decision about its upgrade request.

    `on_broken` is called once, when input is invalid or exceeds a limit; `on_dropped` when the
    connection ends before it had a session, with the cause.
    """

    __slots__ = (
        "_crowd",
        "_half_open",
        "_has_ended",
        "_has_flooded",
        "_has_part",
        "_inflow",
        "_partial_messages",
        "_piece_bytes",
        "_rest",
        "_socket_totals",
        "accepted",
        "echoes",
        "is_full",
        "on_broken",
        "on_dropped",
        "on_lost",
        "probe_stream",
    )  # fmt: skip

    def __init__(
        self, half_open: HalfOpenConnections, partial_messages: PartialMessages, *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._half_open = half_open
        self._partial_messages = partial_messages
        self._has_part = False
        self._has_ended = False
        self._has_flooded = False
        self.accepted: AcceptedHandshake | None = None
        self.echoes = False
        self.probe_stream = ProbeStream()
        self.is_full = False
        self.on_broken: Callable[[FrameError], None] | None = None
        self.on_dropped: Callable[[str], None] | None = None
        self.on_lost: Callable[[], object] | None = None
        self._inflow = ConnectionBudget(PROBE)
        self._rest = b""
        self._piece_bytes = PIECE_BYTES
        self._crowd = 0
        self._socket_totals = SocketTotals()

    # -- coming in -----------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.recv_messages.resume = self._resume_reading
        self._half_open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._half_open.remove(self)
        self._partial_messages.update(self, 0)
        if self.on_lost:
            self.on_lost()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse input piece by piece, and stop where enough messages wait. The rest is parsed once they are
        processed; until then nothing more is read from the socket.
        """
        self._socket_totals.received_bytes += len(data)
        if self.request is None and self._socket_totals.received_bytes > HANDSHAKE_BYTES:
            self.drop("headers")
        elif self._rest:
            self._rest += data
        elif len(data) <= self._piece_bytes:
            self._parse(data)
        else:
            self._parse_all(data)
        self._count_part()

    def _count_part(self) -> None:
        """Count the bytes that make no message yet: of a frame, of fragments, and unparsed. After the end of
        a message they belong to one that began later.
        """
        if self._has_ended and self._has_part:
            self._partial_messages.update(self, 0)
        self._has_ended = False
        part_bytes = len(self.protocol.reader.buffer) + len(self._rest) + (self.protocol.current_size or 0)
        if part_bytes or self._has_part:
            self._has_part = part_bytes > 0
            self._partial_messages.update(self, part_bytes)

    def give_up(self) -> None:
        """End this connection: partial messages exceed their limit, and its own began first."""
        if self.state is State.OPEN:
            self._flooded("too long without the end of a message")
        else:
            self.drop("unfinished")

    def _parse_all(self, data: bytes) -> None:
        place = 0
        while place < len(data) and not self.transport.is_closing() and not self.protocol.eof_sent:
            if self.recv_messages.paused:
                self._rest = data[place:]
                return
            end = place + self._piece_bytes
            self._parse(data[place:end])
            place = end

    def _parse(self, data: bytes) -> None:
        self._crowd = 0
        super().data_received(data)
        grown = min(2 * self._piece_bytes, PIECE_MAX_BYTES)
        self._piece_bytes = PIECE_BYTES if self._crowd > CROWDED else grown
        # Reported at once: until the peer closes too, its next connection could supersede this one, and the
        # fault would not be counted.
        sent = self.protocol.close_sent
        if self.on_broken and self.protocol.parser_exc and sent is not None and sent.code in BROKEN:
            self._report_broken(FrameError(BROKEN[sent.code], sent.reason))

    def process_event(self, event: Event) -> None:
        """Count a frame before it is processed; one beyond a limit ends the connection."""
        if isinstance(event, Frame):
            self._crowd += 1
            if self._has_flooded:
                return
            self._has_ended = self._has_ended or (event.fin and event.opcode in DATA)
            if excess := self._inflow.excess(time.monotonic_ns(), event):
                self._flooded(excess)
                return
        super().process_event(event)

    def _flooded(self, excess: str) -> None:
        self._has_flooded = True
        self.protocol.fail(CloseCode.POLICY_VIOLATION, f"{FrameFault.flood}: {excess}")
        self.send_data()
        self._report_broken(FrameError(FrameFault.flood, excess))
        self._report_dropped("flood")

    def _report_broken(self, error: FrameError) -> None:
        if self.on_broken:
            report, self.on_broken = self.on_broken, None
            report(error)

    def _resume_reading(self) -> None:
        """Parse the rest in a turn of its own once the waiting messages are processed, then resume
        reading.
        """
        if self._rest:
            self.loop.call_soon(self._parse_rest)
        else:
            self.transport.resume_reading()

    def _parse_rest(self) -> None:
        rest, self._rest = self._rest, b""
        if rest and self.state is not State.CLOSED and not self.protocol.reader.eof:
            self._parse_all(rest)
            self._count_part()
        if not self._rest and not self.recv_messages.paused and not self.transport.is_closing():
            self.transport.resume_reading()

    def drop(self, why: str) -> None:
        """Abort a connection that has no session."""
        self._report_dropped(why)
        self.transport.abort()

    @property
    def was_dropped(self) -> bool:
        """Whether this connection, which has no session, was ended here."""
        return self.on_dropped is None

    def _report_dropped(self, why: str) -> None:
        if self.on_dropped:
            report, self.on_dropped = self.on_dropped, None
            report(why)

    # -- the upgrade ---------------------------------------

    def share_totals(self, moved: SocketTotals) -> None:
        """Count this connection's bytes in `moved`, from its first byte on."""
        moved.sent_bytes += self._socket_totals.sent_bytes
        moved.received_bytes += self._socket_totals.received_bytes
        self._socket_totals = moved

    def admit(self, inflow: ConnectionBudget) -> None:
        """Apply these limits from the answered upgrade on."""
        self._inflow = inflow

    def drop_headers(self) -> None:
        """Clear the upgrade's headers, which would stay in memory for as long as the connection."""
        for message in (self.request, self.response):
            if message is not None:
                message.headers.clear()

    # -- going out -----------------------------------------

    def send_data(self) -> None:
        """Write the protocol's output, and count it."""
        self._socket_totals.sent_bytes += sum(map(len, self.protocol.writes))
        super().send_data()

    def can_send(self) -> bool:
        """Return whether messages may still be sent. If not, the reading side reports the cause."""
        return self.state is State.OPEN and not self.transport.is_closing()

    def send_now(self, data: bytes) -> None:
        """Send a binary message without waiting for room: the caller checks `paused` before."""
        self.protocol.send_binary(data)
        self.send_data()
