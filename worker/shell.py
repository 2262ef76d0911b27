"""Gives the core a socket, a clock, a disk and threads. It decides nothing."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from websockets.exceptions import ConnectionClosed

from wire import events
from wire.codec import Limits, Opener, Sealer, session_keys
from wire.messages import Checkpoint
from wire.refusals import FrameError
from worker.checkpoints import CheckpointStore
from worker.connection import CLOSE_TIMEOUT_S, DialError, Link, dial, end_of
from worker.core import Core
from worker.effects import (
    Connect,
    Disconnect,
    Effect,
    ForgetCheckpoint,
    SaveCheckpoint,
    StartAttempt,
    Stop,
    StopAttempt,
)  # fmt: skip
from worker.executor import Executor
from worker.health import Health
from worker.ports import Record
from worker.session import State
from worker.traffic import Traffic

_TRAFFIC_EVERY_S = 1.0
_NS_PER_MS = 1_000_000


@dataclass
class _Socket:
    """A connection that stands, with its two loops."""

    link: Link
    opener: Opener
    sealer: Sealer
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    loops: list[asyncio.Task[None]] = field(default_factory=list)


@dataclass(frozen=True)
class Surroundings:
    """Where this worker dials, and what it writes to. `flush` writes the journal out."""

    url: str
    fleet_key: bytes
    compress: bool
    record: Record
    flush: Callable[[], None]
    health: Health


class Shell:
    """Runs one core until it stops."""

    def __init__(self, core: Core, store: CheckpointStore, slots: int, around: Surroundings) -> None:
        self._core = core
        self._around = around
        self._executor = Executor(self, store, slots)
        self._traffic = Traffic(core.channel)
        self._deeds: dict[type[Effect], Callable[[Any], object]] = {
            Connect: self._connect,
            Disconnect: self._disconnect,
            StartAttempt: self._executor.start,
            StopAttempt: self._executor.stop,
            SaveCheckpoint: self._executor.save,
            ForgetCheckpoint: self._executor.forget,
            Stop: self._stop,
        }
        self._todo: deque[Effect] = deque()
        self._doing = False
        self._dialling: dict[int, asyncio.Task[None]] = {}
        self._standing: dict[int, _Socket] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ns = 0
        self._flush_soon = False

    async def run(self) -> int:
        """Live until the core says Stop; returns the exit code."""
        self._loop = asyncio.get_running_loop()
        self._stopped: asyncio.Future[Stop] = self._loop.create_future()
        traffic = self._loop.create_task(self._report_traffic())
        self._do(self._core.on_start(time.monotonic_ns()))
        stop = await self._stopped
        traffic.cancel()
        if self._timer is not None:
            self._timer.cancel()
        left = [*self._executor.stop_all(), *self._closing]
        if left:
            await asyncio.wait(left, timeout=2 * CLOSE_TIMEOUT_S)
        self._record_traffic()
        self._around.record(events.ProcessStopping, reason=stop.reason)
        self._around.flush()
        return stop.exit_code

    def drain(self) -> None:
        """Leave in order."""
        self._do(self._core.on_drain(time.monotonic_ns()))

    # -- what the executor reports -------------------------

    def finished(self, token: int, output: bytes, error: str) -> None:
        """An attempt ran to its end."""
        self._do(self._core.on_finished(time.monotonic_ns(), token, output, error))

    def step_done(self, token: int, step: int, *, last: bool) -> None:
        """A step is done."""
        self._do(self._core.on_step_done(time.monotonic_ns(), token, step, last=last))

    def checkpoint_written(self, token: int, checkpoint: Checkpoint) -> None:
        """A checkpoint is on the disk."""
        self._do(self._core.on_checkpoint_written(time.monotonic_ns(), token, checkpoint))

    # -- doing what the core says --------------------------

    def _do(self, effects: list[Effect]) -> None:
        self._todo.extend(effects)
        if self._doing:
            return  # An attempt that was over at once: the loop below, which started it, goes on with this.
        self._doing = True
        try:
            while self._todo:
                effect = self._todo.popleft()
                self._deeds[type(effect)](effect)
        finally:
            self._doing = False
        self._settle()

    def _settle(self) -> None:
        """After every change: wake the writer, wind the clock, see to the health file and the journal."""
        core = self._core
        standing = self._standing.get(core.connection)
        if standing is not None and core.has_frame:
            standing.wake.set()
        self._around.health.show(core.state in (State.connected, State.draining))
        if not self._flush_soon:
            self._flush_soon = True
            self._loop.call_soon(self._flush)
        deadline_ns = core.next_deadline_ns()
        if deadline_ns is not None and (self._timer is None or deadline_ns < self._timer_ns):
            self._wind(deadline_ns)

    def _wind(self, deadline_ns: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        # Whole milliseconds, rounded up: a timer that fires a moment early would only be wound again.
        delay_ms = max(0, -(-(deadline_ns - time.monotonic_ns()) // _NS_PER_MS))
        self._timer_ns = deadline_ns
        self._timer = self._loop.call_later(delay_ms / 1000, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._do(self._core.on_tick(time.monotonic_ns()))

    def _flush(self) -> None:
        self._flush_soon = False
        self._around.flush()

    def _stop(self, effect: Stop) -> None:
        if not self._stopped.done():
            self._stopped.set_result(effect)

    # -- connections ---------------------------------------

    def _connect(self, effect: Connect) -> None:
        task = self._loop.create_task(self._dial(effect))
        self._dialling[effect.connection] = task

    async def _dial(self, effect: Connect) -> None:
        number, hello = effect.connection, effect.hello
        try:
            link, welcome = await dial(self._around.url, hello, self._around.fleet_key)
        except DialError as error:
            self._dialling.pop(number, None)
            self._do(self._core.on_connect_failed(time.monotonic_ns(), number, error.failure))
            return
        self._dialling.pop(number, None)
        nonces = hello.nonce + welcome.nonce
        keys = session_keys(self._around.fleet_key, welcome.session, welcome.epoch, nonces)
        compress = self._around.compress and welcome.compress
        opener, sealer = Opener(keys.to_worker, Limits()), Sealer(keys.to_coordinator, compress=compress)
        standing = _Socket(link, opener, sealer)
        self._standing[number] = standing
        self._traffic.connected(sealer, opener)
        standing.loops = [
            self._loop.create_task(self._read(number, standing)),
            self._loop.create_task(self._write(number, standing)),
        ]
        self._do(self._core.on_connected(time.monotonic_ns(), number, welcome))

    async def _read(self, number: int, standing: _Socket) -> None:
        while True:
            try:
                data = await standing.link.recv()
                frame = standing.opener.open(data)
            except FrameError as error:
                self._do(self._core.on_bad_frame(time.monotonic_ns(), number, error))
                return
            except ConnectionClosed as closed:
                self._ended(number, standing, closed)
                return
            self._traffic.received(frame)
            self._do(self._core.on_frame(time.monotonic_ns(), number, frame))

    async def _write(self, number: int, standing: _Socket) -> None:
        with contextlib.suppress(ConnectionClosed):  # The reader tells of it.
            while True:
                await standing.wake.wait()
                standing.wake.clear()
                while number == self._core.connection:
                    frame = self._core.take_frame(time.monotonic_ns())
                    if frame is None:
                        break
                    self._around.flush()
                    self._traffic.sent(frame)
                    await standing.link.send(standing.sealer.seal(frame))

    def _ended(self, number: int, standing: _Socket, closed: ConnectionClosed) -> None:
        self._standing.pop(number, None)
        for task in standing.loops:
            if task is not asyncio.current_task():
                task.cancel()
        now_ns = time.monotonic_ns()
        end = end_of(standing.link, closed)
        if isinstance(end, FrameError):
            self._do(self._core.on_bad_frame(now_ns, number, end))
        else:
            self._do(self._core.on_closed(now_ns, number, *end))

    def _disconnect(self, effect: Disconnect) -> None:
        dialling = self._dialling.pop(effect.connection, None)
        if dialling is not None:
            dialling.cancel()
        standing = self._standing.pop(effect.connection, None)
        if standing is None:
            return
        for task in standing.loops:
            if task is not asyncio.current_task():
                task.cancel()
        closing = self._loop.create_task(_close(standing.link, effect.code, effect.reason))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    # -- traffic -------------------------------------------

    async def _report_traffic(self) -> None:
        while True:
            await asyncio.sleep(_TRAFFIC_EVERY_S)
            self._record_traffic()
            self._around.flush()

    def _record_traffic(self) -> None:
        totals = self._traffic.changed()
        if totals is not None:
            self._around.record(events.Traffic, **totals)


async def _close(link: Link, code: int, reason: str) -> None:
    """Say goodbye as far as the other side listens; a link that takes nothing any more is cut after the time
    limit.
    """
    with contextlib.suppress(TimeoutError, ConnectionClosed):
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await link.close(code, reason[:100])
    link.transport.abort()
