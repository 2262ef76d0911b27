"""Runs attempts: inline, on the event loop or in threads. The core decides which start and stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Protocol

from wire.limits import BULK_BYTES, ERROR_CHARS, cut
from wire.messages import Checkpoint
from worker.checkpoints import CheckpointStore, checkpoint_of, is_whole
from worker.effects import ForgetCheckpoint, SaveCheckpoint, StartAttempt, StopAttempt
from worker.task_kind import encoded
from worker.tasks import TaskError, kind_named

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor


class ExecutorReports(Protocol):
    """Receives the reports of an executor."""

    def finished(self, token: int, output: bytes, error: str) -> None:
        """Report the end of an attempt; `error` is "" on success."""
        ...

    def step_done(self, token: int, step: int, *, last: bool) -> None:
        """Report a finished step; `request_checkpoint` may be called before this returns."""
        ...

    def checkpoint_written(self, token: int, checkpoint: Checkpoint) -> None:
        """Report a checkpoint that is durable on this disk."""
        ...


class RunningAttempt:
    """A running attempt; also the TaskContext of its kind."""

    def __init__(self, executor: Executor, start: StartAttempt) -> None:
        self._executor = executor
        self.start = start
        self.stopped = False
        self.checkpoint_requested = False
        self.task: asyncio.Task[None] | None = None

    @property
    def checkpoint(self) -> Checkpoint | None:
        """The checkpoint to resume from, or None."""
        return self.start.checkpoint

    async def step_done(self, step: int, state: Callable[[], bytes], *, last: bool) -> None:
        """Report the step, and write a checkpoint where the core requests it."""
        await self._executor.step_done(self, step, state, last=last)


class Executor:
    """Starts and stops attempts. Threads are made when the first attempt needs one.

    Args:
        reports: receives the outcomes.
        store: where checkpoints are written.
        slots: how many attempts run at once.
        start_task: starts an asyncio task whose errors end the worker.
    """

    def __init__(
        self,
        reports: ExecutorReports,
        store: CheckpointStore,
        slots: int,
        start_task: Callable[[Coroutine[object, object, None]], asyncio.Task[None]],
    ) -> None:
        self._reports = reports
        self._start_task = start_task
        self._store = store
        self._slots = slots
        self._running: dict[int, RunningAttempt] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._threads: ThreadPoolExecutor | None = None

    def start(self, effect: StartAttempt) -> None:
        """Start an attempt. It may end before this returns."""
        assign = effect.assign
        running = RunningAttempt(self, effect)
        self._running[assign.token] = running
        try:
            if effect.checkpoint is not None and not is_whole(effect.checkpoint):
                raise TaskError("the checkpoint that came with the task does not fit its checksum")
            kind_named(assign.kind).begin(assign.params, assign.token, running, self)
        except Exception as error:
            self.done(assign.token, b"", error_text(error))

    def stop(self, effect: StopAttempt) -> None:
        """Stop an attempt, without a report."""
        running = self._running.pop(effect.token, None)
        if running is None:
            return
        running.stopped = True
        if running.task is not None:
            running.task.cancel()
            self._ending.add(running.task)
            running.task.add_done_callback(self._ending.discard)

    def stop_all(self) -> list[asyncio.Task[None]]:
        """Stop every attempt; returns the tasks that still clean up."""
        for token in list(self._running):
            self.stop(StopAttempt("", token, "the worker stops"))
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
        return list(self._ending)

    def request_checkpoint(self, effect: SaveCheckpoint) -> None:
        """Write the attempt's state after the step that is being reported."""
        running = self._running.get(effect.token)
        if running is not None:
            running.checkpoint_requested = True

    def delete_checkpoint(self, effect: ForgetCheckpoint) -> None:
        """Delete the task's checkpoint."""
        self._store.delete(effect.task_id)

    # -- calls of task kinds -------------------------------

    def done(self, token: int, output: bytes, error: str) -> None:
        """Report the end of an attempt, unless it was stopped."""
        if self._running.pop(token, None) is not None:
            self._reports.finished(token, output, error)

    def spawn(self, token: int, work: Callable[[], Awaitable[object]]) -> None:
        """Run `work` on the event loop."""
        running = self._running[token]
        running.task = self._start_task(self._run(token, work))

    def spawn_thread(self, token: int, work: Callable[[], object]) -> None:
        """Run `work` in a thread."""
        self.spawn(token, lambda: asyncio.get_running_loop().run_in_executor(self._pool(), work))

    async def step_done(
        self, running: RunningAttempt, step: int, state: Callable[[], bytes], *, last: bool
    ) -> None:
        """Report a step of `running`; write its state where requested, in a thread, since a disk may be slow.

        Raises TaskError where the state is too large or cannot be written.
        """
        assign = running.start.assign
        running.checkpoint_requested = False
        self._reports.step_done(assign.token, step, last=last)
        if not running.checkpoint_requested:
            return
        data = state()
        if len(data) > BULK_BYTES:
            raise TaskError(f"the state has {len(data)} bytes; a checkpoint keeps at most {BULK_BYTES}")
        checkpoint = checkpoint_of(step, data)
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._pool(), self._store.write, assign.task_id, checkpoint)
        except OSError as error:
            raise TaskError(f"cannot write the checkpoint: {error}") from None
        if not running.stopped:
            self._reports.checkpoint_written(assign.token, checkpoint)

    async def _run(self, token: int, work: Callable[[], Awaitable[object]]) -> None:
        try:
            output, error = encoded(await work()), ""
        except Exception as failure:
            output, error = b"", error_text(failure)
        self.done(token, output, error)

    def _pool(self) -> ThreadPoolExecutor:
        if self._threads is None:
            from concurrent.futures import ThreadPoolExecutor

            # One more than slots, so that a checkpoint does not wait for attempts that compute.
            self._threads = ThreadPoolExecutor(self._slots + 1, thread_name_prefix="attempt")
        return self._threads


def error_text(failure: Exception) -> str:
    """Return a result's error text. A defect of a task kind is the task's result, and does not end the
    worker.
    """
    text = str(failure) if isinstance(failure, TaskError) else f"{type(failure).__name__}: {failure}"
    return cut(text, ERROR_CHARS)
