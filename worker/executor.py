"""Runs attempts: inline, on the event loop or in threads. It decides nothing; the core says what starts and
what stops.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Protocol

from wire.limits import BULK_BYTES, ERROR_CHARS, cut
from wire.messages import Checkpoint
from worker.checkpoints import CheckpointStore, checkpoint_of, is_whole
from worker.effects import ForgetCheckpoint, SaveCheckpoint, StartAttempt, StopAttempt
from worker.tasks import TaskError, kind_named
from worker.tasks.kind import encoded

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor


class Reports(Protocol):
    """Who hears of it."""

    def finished(self, token: int, output: bytes, error: str) -> None:
        """An attempt ran to its end."""
        ...

    def step_done(self, token: int, step: int, *, last: bool) -> None:
        """A step is done; `save` may be called before this returns."""
        ...

    def checkpoint_written(self, token: int, checkpoint: Checkpoint) -> None:
        """A checkpoint is on the disk."""
        ...


class Running:
    """One attempt that runs; also the Context that its kind sees."""

    def __init__(self, executor: Executor, start: StartAttempt) -> None:
        self._executor = executor
        self.start = start
        self.stopped = False
        self.save_wanted = False
        self.task: asyncio.Task[None] | None = None

    @property
    def checkpoint(self) -> Checkpoint | None:
        """Where to go on from."""
        return self.start.checkpoint

    async def step_done(self, step: int, state: Callable[[], bytes], *, last: bool) -> None:
        """Report the step, and save the state where the core wants it."""
        await self._executor.step_done(self, step, state, last=last)


class Executor:
    """Threads are made when the first attempt needs one: an idle worker costs none."""

    def __init__(
        self,
        reports: Reports,
        store: CheckpointStore,
        slots: int,
        start_task: Callable[[Coroutine[object, object, None]], asyncio.Task[None]],
    ) -> None:
        self._reports = reports
        self._start_task = start_task
        self._store = store
        self._slots = slots
        self._running: dict[int, Running] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._threads: ThreadPoolExecutor | None = None

    def start(self, effect: StartAttempt) -> None:
        """Begin an attempt. It may be over before this returns."""
        assign = effect.assign
        running = Running(self, effect)
        self._running[assign.token] = running
        try:
            if effect.checkpoint is not None and not is_whole(effect.checkpoint):
                raise TaskError("the checkpoint that came with the task does not fit its checksum")
            kind_named(assign.kind).begin(assign.params, assign.token, running, self)
        except Exception as error:
            self.done(assign.token, b"", told(error))

    def stop(self, effect: StopAttempt) -> None:
        """End an attempt; it is not heard of again."""
        running = self._running.pop(effect.token, None)
        if running is None:
            return
        running.stopped = True
        if running.task is not None:
            running.task.cancel()
            self._ending.add(running.task)
            running.task.add_done_callback(self._ending.discard)

    def stop_all(self) -> list[asyncio.Task[None]]:
        """End everything; returns what still cleans up."""
        for token in list(self._running):
            self.stop(StopAttempt("", token, "the worker stops"))
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
        return list(self._ending)

    def save(self, effect: SaveCheckpoint) -> None:
        """The state after the step that is being reported is wanted."""
        running = self._running.get(effect.token)
        if running is not None:
            running.save_wanted = True

    def forget(self, effect: ForgetCheckpoint) -> None:
        """Remove what is no more needed."""
        self._store.forget(effect.task_id)

    # -- what kinds and attempts ask -----------------------

    def done(self, token: int, output: bytes, error: str) -> None:
        """The attempt ran to its end."""
        if self._running.pop(token, None) is not None:
            self._reports.finished(token, output, error)

    def spawn(self, token: int, work: Callable[[], Awaitable[object]]) -> None:
        """Run `work` on the event loop."""
        running = self._running[token]
        running.task = self._start_task(self._follow(token, work))

    def spawn_thread(self, token: int, work: Callable[[], object]) -> None:
        """Run `work` in a thread."""
        self.spawn(token, lambda: asyncio.get_running_loop().run_in_executor(self._pool(), work))

    async def step_done(self, running: Running, step: int, state: Callable[[], bytes], *, last: bool) -> None:
        """Report a step of `running`; write its state where it is wanted, off the event loop, since a disk
        may be slow.
        """
        assign = running.start.assign
        running.save_wanted = False
        self._reports.step_done(assign.token, step, last=last)
        if not running.save_wanted:
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

    async def _follow(self, token: int, work: Callable[[], Awaitable[object]]) -> None:
        try:
            output, error = encoded(await work()), ""
        except Exception as failure:
            output, error = b"", told(failure)
        self.done(token, output, error)

    def _pool(self) -> ThreadPoolExecutor:
        if self._threads is None:
            from concurrent.futures import ThreadPoolExecutor

            # One more than slots, so that a checkpoint need not wait behind computing attempts.
            self._threads = ThreadPoolExecutor(self._slots + 1, thread_name_prefix="attempt")
        return self._threads


def told(failure: Exception) -> str:
    """A result's error. A kind's own defect is that task's result too; it must not take the worker with
    it.
    """
    text = str(failure) if isinstance(failure, TaskError) else f"{type(failure).__name__}: {failure}"
    return cut(text, ERROR_CHARS)
