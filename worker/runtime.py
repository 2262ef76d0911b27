"""Runs a core with real sockets, clock, disk and threads. It makes no decisions."""

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
from worker.connection_manager import ConnectionEnvironment, ConnectionManager
from worker.core import WorkerCore
from worker.effects import (
    Connect,
    Disconnect,
    Effect,
    ForgetCheckpoint,
    SaveCheckpoint,
    StartAttempt,
    StopAttempt,
    StopWorker,
)
from worker.executor import Executor
from worker.traffic import TrafficCounters

_TRAFFIC_EVERY_S = 1.0
_NS_PER_MS = 1_000_000


@dataclass(frozen=True)
class RuntimeDependencies:
    """What the runtime works with; `url` is the worker's own link, `flush` writes the journal to the disk."""

    url: str
    fleet_key: bytes
    compress: bool
    slots: int
    store: CheckpointStore
    record: Journal
    flush: Callable[[], None]


class WorkerRuntime:
    """Runs one core until it stops: carries out its effects, sends its frames, calls it at its deadlines."""

    def __init__(self, core: WorkerCore, dependencies: RuntimeDependencies) -> None:
        self._core = core
        self._record = dependencies.record
        self._flush = dependencies.flush
        self._executor = Executor(self, dependencies.store, dependencies.slots, self._start)
        self._traffic = TrafficCounters(core.channel)
        environment = ConnectionEnvironment(
            dependencies.url,
            dependencies.fleet_key,
            dependencies.compress,
            self._apply,
            self._start,
            self._flush,
        )
        self._connections = ConnectionManager(core, self._traffic, environment)
        self._handlers: dict[type[Effect], Callable[[Any], object]] = {
            Connect: self._connections.connect,
            Disconnect: self._connections.disconnect,
            StartAttempt: self._executor.start,
            StopAttempt: self._executor.stop,
            SaveCheckpoint: self._executor.request_checkpoint,
            ForgetCheckpoint: self._executor.delete_checkpoint,
            StopWorker: self._stop,
        }
        self._pending: deque[Effect] = deque()
        self._applying = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ns = 0
        self._flush_soon = False

    async def run(self) -> int:
        """Run until the core returns StopWorker; returns the exit code.

        Raises any error of a task, a timer or the executor: a worker that lost one of them must not go
        on.
        """
        self._loop = asyncio.get_running_loop()
        self._stopped: asyncio.Future[StopWorker] = self._loop.create_future()
        self._loop.set_exception_handler(lambda _, context: self._fail(context.get("exception")))
        traffic = self._start(self._report_traffic())
        self._apply(self._core.on_start(time.monotonic_ns()))
        stop = await self._stopped
        traffic.cancel()
        if self._timer is not None:
            self._timer.cancel()
        left = [*self._executor.stop_all(), *self._connections.closing]
        if left:
            await asyncio.wait(left, timeout=2 * CLOSE_TIMEOUT_S)
        self._record_traffic()
        self._record(events.ProcessStopping, reason=stop.reason)
        self._flush()
        return stop.exit_code

    def drain(self) -> None:
        """Begin to drain."""
        self._apply(self._core.on_drain(time.monotonic_ns()))

    # -- reports of the executor ---------------------------

    def finished(self, token: int, output: bytes, error: str) -> None:
        """Report the end of an attempt; `error` is "" on success."""
        self._apply(self._core.on_finished(time.monotonic_ns(), token, output, error))

    def step_done(self, token: int, step: int, *, last: bool) -> None:
        """Report a finished step."""
        self._apply(self._core.on_step_done(time.monotonic_ns(), token, step, last=last))

    def checkpoint_written(self, token: int, checkpoint: Checkpoint) -> None:
        """Report a checkpoint that is durable on this disk."""
        self._apply(self._core.on_checkpoint_written(time.monotonic_ns(), token, checkpoint))

    # -- effects -------------------------------------------

    def _apply(self, effects: list[Effect]) -> None:
        self._pending.extend(effects)
        if self._applying:
            return  # An attempt that ended at once: the loop below, which started it, applies these too.
        self._applying = True
        try:
            while self._pending:
                effect = self._pending.popleft()
                self._handlers[type(effect)](effect)
        finally:
            self._applying = False
        self._after_change()

    def _after_change(self) -> None:
        """Send frames, set the timer, and flush the journal."""
        core = self._core
        if core.has_frame:
            self._connections.wake()
        if not self._flush_soon:
            self._flush_soon = True
            self._loop.call_soon(self._flush_now)
        deadline_ns = core.next_deadline_ns()
        if deadline_ns is not None and (self._timer is None or deadline_ns < self._timer_ns):
            self._set_timer(deadline_ns)

    def _set_timer(self, deadline_ns: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        # Whole milliseconds, rounded up: a timer that fires early would only be set again.
        delay_ms = max(0, -(-(deadline_ns - time.monotonic_ns()) // _NS_PER_MS))
        self._timer_ns = deadline_ns
        self._timer = self._loop.call_later(delay_ms / 1000, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._apply(self._core.on_tick(time.monotonic_ns()))

    def _flush_now(self) -> None:
        self._flush_soon = False
        self._flush()

    def _stop(self, effect: StopWorker) -> None:
        if not self._stopped.done():
            self._stopped.set_result(effect)

    # -- asyncio tasks, whose errors end the worker --------

    def _start(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        task.add_done_callback(lambda ended: self._fail(None if ended.cancelled() else ended.exception()))
        return task

    def _fail(self, error: BaseException | None) -> None:
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
            self._record(events.TrafficTotals, **totals)
