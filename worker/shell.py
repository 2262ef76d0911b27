"""Gives the core sockets, a clock, a disk and threads. It decides nothing."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from wire import events
from wire.events import Journal
from wire.messages import Checkpoint
from worker.checkpoints import CheckpointStore
from worker.connection import CLOSE_TIMEOUT_S
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
)
from worker.executor import Executor
from worker.health import Health
from worker.session import State
from worker.sockets import Sockets, Surroundings
from worker.traffic import Traffic

_TRAFFIC_EVERY_S = 1.0
_NS_PER_MS = 1_000_000


@dataclass(frozen=True)
class Equipment:
    """What a shell works with. `flush` writes the journal out."""

    url: str
    fleet_key: bytes
    compress: bool
    slots: int
    store: CheckpointStore
    record: Journal
    flush: Callable[[], None]
    health: Health


class Shell:
    """Runs one core until it stops."""

    def __init__(self, core: Core, equipment: Equipment) -> None:
        self._core = core
        self._record = equipment.record
        self._flush = equipment.flush
        self._health = equipment.health
        self._executor = Executor(self, equipment.store, equipment.slots, self._start)
        self._traffic = Traffic(core.channel)
        around = Surroundings(
            equipment.url, equipment.fleet_key, equipment.compress, self._do, self._start, self._flush
        )
        self._sockets = Sockets(core, self._traffic, around)
        self._deeds: dict[type[Effect], Callable[[Any], object]] = {
            Connect: self._sockets.connect,
            Disconnect: self._sockets.disconnect,
            StartAttempt: self._executor.start,
            StopAttempt: self._executor.stop,
            SaveCheckpoint: self._executor.save,
            ForgetCheckpoint: self._executor.forget,
            Stop: self._stop,
        }
        self._todo: deque[Effect] = deque()
        self._doing = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ns = 0
        self._flush_soon = False

    async def run(self) -> int:
        """Live until the core says Stop; returns the exit code.

        Raises whatever broke in a loop, a timer or an attempt's bookkeeping: a worker that lost one of them
        must not look alive.
        """
        self._loop = asyncio.get_running_loop()
        self._stopped: asyncio.Future[Stop] = self._loop.create_future()
        self._loop.set_exception_handler(lambda _, context: self._broke(context.get("exception")))
        traffic = self._start(self._report_traffic())
        self._do(self._core.on_start(time.monotonic_ns()))
        stop = await self._stopped
        traffic.cancel()
        if self._timer is not None:
            self._timer.cancel()
        left = [*self._executor.stop_all(), *self._sockets.closing]
        if left:
            await asyncio.wait(left, timeout=2 * CLOSE_TIMEOUT_S)
        self._record_traffic()
        self._record(events.ProcessStopping, reason=stop.reason)
        self._flush()
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
        if core.has_frame:
            self._sockets.wake()
        self._health.show(core.state in (State.connected, State.draining))
        if not self._flush_soon:
            self._flush_soon = True
            self._loop.call_soon(self._flush_now)
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

    def _flush_now(self) -> None:
        self._flush_soon = False
        self._flush()

    def _stop(self, effect: Stop) -> None:
        if not self._stopped.done():
            self._stopped.set_result(effect)

    # -- tasks that must not break in silence --------------

    def _start(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        task.add_done_callback(lambda ended: self._broke(None if ended.cancelled() else ended.exception()))
        return task

    def _broke(self, error: BaseException | None) -> None:
        if error is not None and not self._stopped.done():
            self._stopped.set_exception(error)

    # -- traffic -------------------------------------------

    async def _report_traffic(self) -> None:
        while True:
            await asyncio.sleep(_TRAFFIC_EVERY_S)
            self._record_traffic()
            self._flush()

    def _record_traffic(self) -> None:
        totals = self._traffic.changed()
        if totals is not None:
            self._record(events.Traffic, **totals)
