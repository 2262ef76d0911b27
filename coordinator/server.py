"""The WebSocket server: moves bytes between sockets and the core, and decides nothing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Coroutine
from functools import partial
from http import HTTPStatus
from typing import Any, cast

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from coordinator import probe
from coordinator.committer import Committer
from coordinator.connection import SocketTotals
from coordinator.core import AcceptedHandshake, CoordinatorCore
from coordinator.echoes import ProbeEchoes
from coordinator.half_open import HalfOpenConnections
from coordinator.journal_file import CoordinatorJournalFile
from coordinator.partial_messages import PartialMessages
from coordinator.rate_limits import WORKER, ConnectionBudget
from coordinator.result_waiters import ResultWaiters
from coordinator.rows import JournalSizeRow, Row, RowStore
from coordinator.transport import BROKEN, ClientTransport
from wire.address import WORKER_PATH
from wire.codec import FrameLimits
from wire.errors import CloseCode, FrameError
from wire.handshake import HELLO_HEADER, REFUSAL_HEADER, WELCOME_HEADER, write_refusal, write_welcome
from wire.probe import BYTES_PATH, ECHO_PATHS
from wire.probe_stream import STREAM_HEADER, stream_named

TICK_S = 0.05
OPEN_TIMEOUT_S = 5
CLOSE_TIMEOUT_S = 1
BACKLOG = 2048
FRAGMENTS_QUEUE = 16
TURN_NS = 4_000_000
"""Time spent on one connection after which other tasks of the loop run."""
_quiet = logging.getLogger("coordinator.websockets")
_quiet.setLevel(logging.CRITICAL)


class CoordinatorServer:
    """One core with its sockets, its store and its clock.

    `broken` gets the exception of any failure in here: a process that cannot store rows, or whose
    core was interrupted, must not continue, and loses nothing by a restart.
    """

    def __init__(
        self, core: CoordinatorCore, store: RowStore, journal: CoordinatorJournalFile, fleet_key: bytes
    ) -> None:
        self.core = core
        self.committer = Committer(store, self._take_rows, self._stored, core.effects.may_linger)
        self.result_waiters = ResultWaiters()
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._journal = journal
        self._fleet_key = fleet_key
        self._transports: dict[int, ClientTransport] = {}
        self._probe_echoes = ProbeEchoes(core.on_probe_ended, max(core.settings.fleet, core.settings.members))
        self._half_open = HalfOpenConnections()
        self._partial_messages = PartialMessages()
        self._socket_totals = core.traffic.socket_totals = SocketTotals()
        self._acting = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._start(self.committer.run())
        self._start(self._tick())

    async def listen(self, host: str, port: int) -> Server:
        """Begin to accept connections."""
        make = cast(type[ClientTransport], self._make_transport)
        return await serve(
            self._handle, host, port, process_request=self._process_request, logger=_quiet,
            process_response=self._process_response, create_connection=make, compression=None,
            max_size=FrameLimits().frame_bytes, ping_interval=None, open_timeout=OPEN_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S, max_queue=FRAGMENTS_QUEUE, server_header=None, backlog=BACKLOG,
        )  # fmt: skip

    def act(self) -> None:
        """Schedule the core's effects, together with those of all other calls in this turn of the loop."""
        if not self._acting:
            self._acting = True
            asyncio.get_running_loop().call_soon(self._act)

    def fail(self, error: BaseException) -> None:
        """Stop the server with `error`."""
        if not self.broken.done():
            self.broken.set_exception(error)

    # -- effects -------------------------------------------

    def _act(self) -> None:
        self._acting = False
        effects = self.core.effects
        try:
            self._journal.flush()
        except OSError as error:
            self.fail(error)
            return
        if effects.rows:
            self.committer.schedule()
        if wakes := effects.take_wakes():
            # In a turn of its own: the same frames then answer the input of this turn.
            asyncio.get_running_loop().call_soon(self._send, wakes)
        for close in effects.take_closes():
            transport = self._transports.pop(close.connection, None)
            if transport is not None:
                self._start(self._close(transport, close.code, close.reason))

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fail(error)

    def _send(self, connections: list[int]) -> None:
        try:
            for connection in connections:
                transport = self._transports.get(connection)
                if transport is not None and not transport.is_full:
                    self._write(transport, connection)
        except Exception as error:
            self.fail(error)

    def _write(self, transport: ClientTransport, connection: int) -> None:
        """Send what the core has for a connection, as fast as its socket accepts it."""
        while transport.can_send():
            if transport.paused:
                transport.is_full = True
                self._start(self._write_later(transport, connection))
                return
            data = self.core.next_bytes(time.monotonic_ns(), connection)
            if data is None:
                return
            self._journal.flush()
            transport.send_now(data)

    async def _write_later(self, transport: ClientTransport, connection: int) -> None:
        with contextlib.suppress(OSError):  # The reading side reports it to the core.
            await transport.drain()
        transport.is_full = False
        self._write(transport, connection)

    async def _close(self, transport: ClientTransport, code: CloseCode, reason: str) -> None:
        with contextlib.suppress(ConnectionClosed):
            await transport.close(code, reason)

    def _take_rows(self) -> list[Row]:
        rows = self.core.effects.take_rows()
        if rows:
            # The events of all earlier transactions are in the journal by now.
            rows.append(JournalSizeRow(self._journal.size_bytes))
        return rows

    def _stored(self, rows: list[Row]) -> None:
        self.core.on_stored(time.monotonic_ns(), rows)
        self.result_waiters.on_stored(rows)
        self._journal.flush()
        self.act()

    async def _tick(self) -> None:
        while True:
            self.core.on_tick(time.monotonic_ns())
            self.act()
            await asyncio.sleep(TICK_S)

    # -- the upgrade ---------------------------------------

    def _make_transport(self, *args: Any, **kwargs: Any) -> ClientTransport:
        transport = ClientTransport(self._half_open, self._partial_messages, *args, **kwargs)
        transport.on_dropped = self._dropped
        return transport

    def _dropped(self, cause: str) -> None:
        self.core.counters.add("connections_dropped", cause)

    def _process_request(self, transport: ServerConnection, request: Request) -> Response | None:
        assert isinstance(transport, ClientTransport)
        self._half_open.remove(transport)
        if request.path.startswith(BYTES_PATH):
            return probe.pattern_response(request.path)
        if request.path in ECHO_PATHS:
            if not self._probe_echoes.admit(transport, time.monotonic()):
                self._dropped("probes")
                return probe.response(HTTPStatus.SERVICE_UNAVAILABLE, b"too many probes\n")
            transport.echoes = True
            transport.probe_stream = stream_named(request.headers.get_all(STREAM_HEADER))
            return None
        if request.path != WORKER_PATH:
            return probe.response(HTTPStatus.NOT_FOUND, f"workers connect to {WORKER_PATH}\n".encode())
        transport.share_totals(self._socket_totals)
        hellos = request.headers.get_all(HELLO_HEADER)
        try:
            hello = hellos[0] if len(hellos) == 1 else None
            answer = self.core.on_hello(time.monotonic_ns(), time.time(), hello)
            self._journal.flush()
        except Exception as error:
            self.fail(error)
            raise
        self.act()
        if isinstance(answer, AcceptedHandshake):
            transport.accepted = answer
            return None
        refusal = answer.refusal
        headers = {REFUSAL_HEADER: write_refusal(refusal)}
        if refusal.retry_after_ms:
            headers["Retry-After"] = str(-(-refusal.retry_after_ms // 1000))
        text = f"{refusal.reason}: {refusal.detail}\n"
        return probe.response(HTTPStatus(answer.status), text.encode(), headers)

    def _process_response(self, transport: ServerConnection, request: Request, answer: Response) -> None:
        assert isinstance(transport, ClientTransport)
        accepted = transport.accepted
        if accepted is None:
            return
        if answer.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            welcome = write_welcome(accepted.welcome, self._fleet_key, accepted.hello)
            answer.headers[WELCOME_HEADER] = welcome
        else:
            # A valid hello in an invalid upgrade request: there will be no connection.
            self.core.on_closed(time.monotonic_ns(), accepted.connection, "closed", "the upgrade failed")
            self.act()

    # -- a connection --------------------------------------

    async def _handle(self, transport: ServerConnection) -> None:
        assert isinstance(transport, ClientTransport)
        if transport.echoes:
            transport.drop_headers()
            await self._probe_echoes.serve(transport)
            return
        assert transport.accepted is not None
        connection, transport.accepted = transport.accepted.connection, None
        transport.on_dropped = None
        transport.admit(ConnectionBudget(WORKER))
        transport.drop_headers()
        if not self.core.is_open(connection):
            # Another connection of this worker superseded this one while it was being opened.
            await self._close(transport, CloseCode.superseded, "superseded by a newer connection")
            return
        self._transports[connection] = transport
        transport.on_broken = partial(self._broken, connection)
        self.act()
        spent_ns = 0
        try:
            while True:
                data = await transport.recv()
                began_ns = time.monotonic_ns()
                self.core.on_bytes(began_ns, connection, data)
                self.act()
                spent_ns += time.monotonic_ns() - began_ns
                if spent_ns > TURN_NS:
                    spent_ns = 0
                    await asyncio.sleep(0)
        except ConnectionClosed as closed:
            self._gone(connection, closed)
        except Exception as error:
            self.fail(error)
            raise

    def _broken(self, connection: int, error: FrameError) -> None:
        self.core.on_broken(time.monotonic_ns(), connection, error)
        self.act()

    def _gone(self, connection: int, closed: ConnectionClosed) -> None:
        self._transports.pop(connection, None)
        now_ns = time.monotonic_ns()
        sent, received, cause = closed.sent, closed.rcvd, closed.__cause__
        if sent is not None and sent.code in BROKEN and not closed.rcvd_then_sent:
            self.core.on_broken(now_ns, connection, FrameError(BROKEN[sent.code], sent.reason))
        elif received is not None:
            self.core.on_closed(now_ns, connection, "closed", f"{received.code} {received.reason}".strip())
        elif isinstance(cause, ConnectionResetError):
            self.core.on_closed(now_ns, connection, "reset", str(cause))
        else:
            self.core.on_closed(now_ns, connection, "closed", "without a close frame")
        self.act()
