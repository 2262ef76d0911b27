"""One connection of the coordinator's: what comes in is read in pieces, within budgets, and as fast as it is
taken.
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

PIECE_BYTES = 4_096
"""The piece that is parsed at a time while frames are tiny: a flood is noticed within some hundred frames."""
PIECE_MAX_BYTES = 64 * 1024
CROWDED = 32
"""Frames in one piece that make the next one small."""
DATA = (Opcode.CONT, Opcode.TEXT, Opcode.BINARY)
BROKEN = {1002: FrameFault.framing, 1007: FrameFault.framing, 1009: FrameFault.too_large}


class ClientTransport(ServerConnection):
    """A connection, and what its upgrade request decided.

    `on_broken` hears once that what comes in cannot be believed, or is too much; `on_dropped` that a
    connection ended before it had a session, and why.
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
    )  # fmt: skip

    def __init__(
        self, strangers: HalfOpenConnections, unfinished: PartialMessages, *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._half_open = strangers
        self._partial_messages = unfinished
        self._has_part = False
        self._has_ended = False
        self._has_flooded = False
        self.accepted: AcceptedHandshake | None = None
        self.echoes = False
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
        """Parse piece by piece, and stop where enough messages wait: the rest is parsed once they are taken,
        and nothing more is read from the socket before that.
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
        """Count what makes no message yet: of a frame, of fragments, and what is not parsed. Where a message
        ended, what follows belongs to one that began later.
        """
        if self._has_ended and self._has_part:
            self._partial_messages.update(self, 0)
        self._has_ended = False
        part_bytes = len(self.protocol.reader.buffer) + len(self._rest) + (self.protocol.current_size or 0)
        if part_bytes or self._has_part:
            self._has_part = part_bytes > 0
            self._partial_messages.update(self, part_bytes)

    def give_up(self) -> None:
        """Too many bytes of unfinished messages are held, and this connection began its own first."""
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
        # Said at once: until the other end closes too, its next connection could take this one's place, and
        # what was wrong would not be counted.
        sent = self.protocol.close_sent
        if self.on_broken and self.protocol.parser_exc and sent is not None and sent.code in BROKEN:
            self._resolve(FrameError(BROKEN[sent.code], sent.reason))

    def process_event(self, event: Event) -> None:
        """Count a frame before it is taken in; what is too much ends the connection."""
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
        self._resolve(FrameError(FrameFault.flood, excess))
        self._report_dropped("flood")

    def _resolve(self, error: FrameError) -> None:
        if self.on_broken:
            tell, self.on_broken = self.on_broken, None
            tell(error)

    def _resume_reading(self) -> None:
        """The messages that waited are taken: parse the rest first, in a turn of its own, then read on."""
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
        """End a connection that has no session, without a word."""
        self._report_dropped(why)
        self.transport.abort()

    def _report_dropped(self, why: str) -> None:
        if self.on_dropped:
            say, self.on_dropped = self.on_dropped, None
            say(why)

    # -- the upgrade ---------------------------------------

    def share_totals(self, moved: SocketTotals) -> None:
        """From the first byte on, this connection's bytes count in `moved`."""
        moved.sent_bytes += self._socket_totals.sent_bytes
        moved.received_bytes += self._socket_totals.received_bytes
        self._socket_totals = moved

    def admit(self, inflow: ConnectionBudget) -> None:
        """The upgrade is answered: from here on these budgets count."""
        self._inflow = inflow

    def drop_headers(self) -> None:
        """Let go of the headers, which would be kept for as long as the connection."""
        for message in (self.request, self.response):
            if message is not None:
                message.headers.clear()

    # -- going out -----------------------------------------

    def send_data(self) -> None:
        """Write out what the protocol has to say, and count it."""
        self._socket_totals.sent_bytes += sum(map(len, self.protocol.writes))
        super().send_data()

    def can_send(self) -> bool:
        """Whether messages may still leave. Where not, the reading side says why."""
        return self.state is State.OPEN and not self.transport.is_closing()

    def send_now(self, data: bytes) -> None:
        """Send a binary message without waiting for room: it is for the caller to look at `paused` before."""
        self.protocol.send_binary(data)
        self.send_data()
