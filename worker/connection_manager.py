"""The connections of one core, by number: dialled, read, written, closed."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

from websockets.exceptions import ConnectionClosed

from wire.codec import FrameDecoder, FrameEncoder, FrameLimits, session_keys
from wire.errors import FrameError
from wire.handshake import Hello, Welcome
from worker.connection import CLOSE_TIMEOUT_S, CoordinatorConnection, DialError, dial, end_of_connection
from worker.core import WorkerCore
from worker.effects import Connect, Disconnect, Effect
from worker.traffic import TrafficCounters

_CLOSE_REASON_BYTES = 100


@dataclass
class _OpenConnection:
    """An open connection with its codecs and its tasks. `is_full`: a task waits for room in its send
    buffer.
    """

    connection: CoordinatorConnection
    decoder: FrameDecoder
    encoder: FrameEncoder
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    is_full: bool = False


@dataclass(frozen=True)
class ConnectionEnvironment:
    """The link's URL and the fleet's key; how to apply effects, start tasks, and flush the journal."""

    url: str
    fleet_key: bytes
    compress: bool
    apply: Callable[[list[Effect]], None]
    start: Callable[[Coroutine[object, object, None]], asyncio.Task[None]]
    flush: Callable[[], None]


class ConnectionManager:
    """Passes arriving frames to the core, and sends the core's frames, several messages in each."""

    def __init__(
        self, core: WorkerCore, traffic: TrafficCounters, environment: ConnectionEnvironment
    ) -> None:
        self._core = core
        self._traffic = traffic
        self._environment = environment
        self._dialling: dict[int, asyncio.Task[None]] = {}
        self._open: dict[int, _OpenConnection] = {}
        self._send_scheduled = False
        self.closing: set[asyncio.Task[None]] = set()

    def connect(self, effect: Connect) -> None:
        """Start to dial."""
        self._dialling[effect.connection] = self._environment.start(
            self._dial(effect.connection, effect.hello)
        )

    def disconnect(self, effect: Disconnect) -> None:
        """Close a connection, or stop dialling, without waiting for the other side."""
        dialling = self._dialling.pop(effect.connection, None)
        if dialling is not None:
            dialling.cancel()
        opened = self._open.pop(effect.connection, None)
        if opened is None:
            return
        self._end_tasks(opened)
        closing = self._environment.start(_close(opened.connection, effect.code, effect.reason))
        self.closing.add(closing)
        closing.add_done_callback(self.closing.discard)

    def wake(self) -> None:
        """Send the core's frames at the end of this iteration of the event loop, so that its messages share
        frames.
        """
        if not self._send_scheduled:
            self._send_scheduled = True
            asyncio.get_running_loop().call_soon(self._send)

    async def _dial(self, number: int, hello: Hello) -> None:
        try:
            connection, welcome = await dial(
                self._environment.url, hello, self._environment.fleet_key, self._traffic.socket_bytes
            )
        except DialError as error:
            self._dialling.pop(number, None)
            self._environment.apply(self._core.on_connect_failed(time.monotonic_ns(), number, error.failure))
            return
        self._dialling.pop(number, None)
        opened = self._open[number] = self._socket(connection, hello, welcome)
        self._traffic.connected(opened.encoder, opened.decoder)
        opened.tasks.add(self._environment.start(self._read(number, opened)))
        self._environment.apply(self._core.on_connected(time.monotonic_ns(), number, welcome))

    def _socket(self, connection: CoordinatorConnection, hello: Hello, welcome: Welcome) -> _OpenConnection:
        nonces = hello.nonce + welcome.nonce
        keys = session_keys(self._environment.fleet_key, welcome.session, welcome.epoch, nonces)
        compress = self._environment.compress and welcome.compress
        return _OpenConnection(
            connection,
            FrameDecoder(keys.to_worker, FrameLimits()),
            FrameEncoder(keys.to_coordinator, compress=compress),
        )

    async def _read(self, number: int, opened: _OpenConnection) -> None:
        while True:
            try:
                frame = opened.decoder.decode(await opened.connection.recv())
            except FrameError as error:
                self._environment.apply(self._core.on_bad_frame(time.monotonic_ns(), number, error))
                return
            except ConnectionClosed as closed:
                self._ended(number, opened, closed)
                return
            self._traffic.received(frame)
            self._environment.apply(self._core.on_frame(time.monotonic_ns(), number, frame))

    def _send(self) -> None:
        self._send_scheduled = False
        number = self._core.connection
        opened = self._open.get(number)
        if opened is not None and not opened.is_full:
            self._write(number, opened)

    def _write(self, number: int, opened: _OpenConnection) -> None:
        """Send the core's frames while the send buffer has room."""
        while number == self._core.connection and opened.connection.can_send():
            if opened.connection.paused:
                opened.is_full = True
                waiting = self._environment.start(self._write_later(number, opened))
                opened.tasks.add(waiting)
                waiting.add_done_callback(opened.tasks.discard)
                return
            frame = self._core.take_frame(time.monotonic_ns())
            if frame is None:
                return
            self._environment.flush()
            self._traffic.sent(frame)
            opened.connection.send_now(opened.encoder.encode(frame))

    async def _write_later(self, number: int, opened: _OpenConnection) -> None:
        with contextlib.suppress(OSError):  # The reader reports it.
            await opened.connection.drain()
        opened.is_full = False
        self._write(number, opened)

    def _ended(self, number: int, opened: _OpenConnection, closed: ConnectionClosed) -> None:
        self._open.pop(number, None)
        self._end_tasks(opened)
        now_ns = time.monotonic_ns()
        end = end_of_connection(opened.connection, closed)
        if isinstance(end, FrameError):
            self._environment.apply(self._core.on_bad_frame(now_ns, number, end))
        else:
            self._environment.apply(self._core.on_closed(now_ns, number, *end))

    def _end_tasks(self, opened: _OpenConnection) -> None:
        for task in opened.tasks:
            if task is not asyncio.current_task():
                task.cancel()


async def _close(connection: CoordinatorConnection, code: int, reason: str) -> None:
    """Send a close frame, and abort the connection at the time limit, where the peer reads no more."""
    with contextlib.suppress(TimeoutError, ConnectionClosed):
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await connection.close(code, reason.encode()[:_CLOSE_REASON_BYTES].decode(errors="ignore"))
    connection.transport.abort()
