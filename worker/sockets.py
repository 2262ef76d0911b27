"""The connections of one core: dialled, read, written, closed, each under its number."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

from websockets.exceptions import ConnectionClosed

from wire.codec import Limits, Opener, Sealer, session_keys
from wire.handshake import Hello, Welcome
from wire.refusals import FrameError
from worker.connection import CLOSE_TIMEOUT_S, DialError, Link, dial, end_of
from worker.core import Core
from worker.effects import Connect, Disconnect, Effect
from worker.traffic import Traffic

_CLOSE_REASON_BYTES = 100


@dataclass
class _Socket:
    """A connection that stands, with its reader, and who waits for room in it."""

    link: Link
    opener: Opener
    sealer: Sealer
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    is_full: bool = False


@dataclass(frozen=True)
class Surroundings:
    """Where to dial and with which key; how effects are done, tasks started, and the journal written out."""

    url: str
    fleet_key: bytes
    compress: bool
    do: Callable[[list[Effect]], None]
    start: Callable[[Coroutine[object, object, None]], asyncio.Task[None]]
    flush: Callable[[], None]


class Sockets:
    """Tells the core what comes in, and sends what it gives, several messages to a frame."""

    def __init__(self, core: Core, traffic: Traffic, around: Surroundings) -> None:
        self._core = core
        self._traffic = traffic
        self._around = around
        self._dialling: dict[int, asyncio.Task[None]] = {}
        self._standing: dict[int, _Socket] = {}
        self._woken = False
        self.closing: set[asyncio.Task[None]] = set()

    def connect(self, effect: Connect) -> None:
        """Begin to dial."""
        self._dialling[effect.connection] = self._around.start(self._dial(effect.connection, effect.hello))

    def disconnect(self, effect: Disconnect) -> None:
        """End a connection, or the dialling of it, without waiting for the other side."""
        dialling = self._dialling.pop(effect.connection, None)
        if dialling is not None:
            dialling.cancel()
        socket = self._standing.pop(effect.connection, None)
        if socket is None:
            return
        self._end_tasks(socket)
        closing = self._around.start(_close(socket.link, effect.code, effect.reason))
        self.closing.add(closing)
        closing.add_done_callback(self.closing.discard)

    def wake(self) -> None:
        """The core has something to send. It leaves together with all else of this turn of the loop."""
        if not self._woken:
            self._woken = True
            asyncio.get_running_loop().call_soon(self._send)

    async def _dial(self, number: int, hello: Hello) -> None:
        try:
            link, welcome = await dial(self._around.url, hello, self._around.fleet_key, self._traffic.moved)
        except DialError as error:
            self._dialling.pop(number, None)
            self._around.do(self._core.on_connect_failed(time.monotonic_ns(), number, error.failure))
            return
        self._dialling.pop(number, None)
        socket = self._standing[number] = self._socket(link, hello, welcome)
        self._traffic.connected(socket.sealer, socket.opener)
        socket.tasks.add(self._around.start(self._read(number, socket)))
        self._around.do(self._core.on_connected(time.monotonic_ns(), number, welcome))

    def _socket(self, link: Link, hello: Hello, welcome: Welcome) -> _Socket:
        nonces = hello.nonce + welcome.nonce
        keys = session_keys(self._around.fleet_key, welcome.session, welcome.epoch, nonces)
        compress = self._around.compress and welcome.compress
        return _Socket(link, Opener(keys.to_worker, Limits()), Sealer(keys.to_coordinator, compress=compress))

    async def _read(self, number: int, socket: _Socket) -> None:
        while True:
            try:
                frame = socket.opener.open(await socket.link.recv())
            except FrameError as error:
                self._around.do(self._core.on_bad_frame(time.monotonic_ns(), number, error))
                return
            except ConnectionClosed as closed:
                self._ended(number, socket, closed)
                return
            self._traffic.received(frame)
            self._around.do(self._core.on_frame(time.monotonic_ns(), number, frame))

    def _send(self) -> None:
        self._woken = False
        number = self._core.connection
        socket = self._standing.get(number)
        if socket is not None and not socket.is_full:
            self._write(number, socket)

    def _write(self, number: int, socket: _Socket) -> None:
        """Send what the core has, as fast as the socket takes it."""
        while number == self._core.connection and socket.link.can_send():
            if socket.link.paused:
                socket.is_full = True
                waiting = self._around.start(self._write_later(number, socket))
                socket.tasks.add(waiting)
                waiting.add_done_callback(socket.tasks.discard)
                return
            frame = self._core.take_frame(time.monotonic_ns())
            if frame is None:
                return
            self._around.flush()
            self._traffic.sent(frame)
            socket.link.send_now(socket.sealer.seal(frame))

    async def _write_later(self, number: int, socket: _Socket) -> None:
        with contextlib.suppress(OSError):  # The reader tells of it.
            await socket.link.drain()
        socket.is_full = False
        self._write(number, socket)

    def _ended(self, number: int, socket: _Socket, closed: ConnectionClosed) -> None:
        self._standing.pop(number, None)
        self._end_tasks(socket)
        now_ns = time.monotonic_ns()
        end = end_of(socket.link, closed)
        if isinstance(end, FrameError):
            self._around.do(self._core.on_bad_frame(now_ns, number, end))
        else:
            self._around.do(self._core.on_closed(now_ns, number, *end))

    def _end_tasks(self, socket: _Socket) -> None:
        for task in socket.tasks:
            if task is not asyncio.current_task():
                task.cancel()


async def _close(link: Link, code: int, reason: str) -> None:
    """Say goodbye as far as the other side listens; a link that takes nothing any more is cut after the time
    limit.
    """
    with contextlib.suppress(TimeoutError, ConnectionClosed):
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await link.close(code, reason.encode()[:_CLOSE_REASON_BYTES].decode(errors="ignore"))
    link.transport.abort()
