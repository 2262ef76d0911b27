"""The task kind: typed parameters, and one of three ways to run (inline, on the event loop, in a thread)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from wire.errors import DECODE_ERRORS
from wire.limits import BULK_BYTES
from wire.messages import Checkpoint

P = TypeVar("P", bound=msgspec.Struct)
P_contra = TypeVar("P_contra", contravariant=True)


class TaskError(Exception):
    """The task failed; the text is the result's error, written for the user who submitted it."""


class TaskContext(Protocol):
    """What a running attempt may use."""

    @property
    def checkpoint(self) -> Checkpoint | None:
        """The checkpoint to resume from, or None."""
        ...

    @property
    def stopped(self) -> bool:
        """Whether the attempt was stopped. A thread checks this itself."""
        ...

    async def step_done(self, step: int, state: Callable[[], bytes], *, last: bool) -> None:
        """Report that `step` steps are finished. `state` is called where a checkpoint is due, and written
        before this returns.
        """
        ...


class TaskRunner(Protocol):
    """What a task kind uses of the executor."""

    def done(self, token: int, output: bytes, error: str) -> None:
        """Report the end of an attempt; `error` is "" on success."""
        ...

    def spawn(self, token: int, work: Callable[[], Awaitable[object]]) -> None:
        """Run `work` on the event loop; its outcome is the attempt's."""
        ...

    def spawn_thread(self, token: int, work: Callable[[], object]) -> None:
        """Run `work` off the event loop; its outcome is the attempt's."""
        ...


class TaskKind(Protocol):
    """A task kind."""

    def begin(self, params: bytes, token: int, context: TaskContext, runner: TaskRunner) -> None:
        """Start an attempt. Raises TaskError for parameters that do not fit."""
        ...


@dataclass(frozen=True)
class InlineTask(Generic[P]):
    """A function that ends before `begin` returns: for tasks of microseconds, which need no asyncio task
    each.
    """

    params: type[P]
    run: Callable[[P], object]

    def begin(self, params: bytes, token: int, context: TaskContext, runner: TaskRunner) -> None:
        runner.done(token, encoded(self.run(decoded(params, self.params))), "")


@dataclass(frozen=True)
class AsyncTask(Generic[P]):
    """A coroutine: for tasks that mostly wait. A stop cancels it."""

    params: type[P]
    run: Callable[[P, TaskContext], Awaitable[object]]

    def begin(self, params: bytes, token: int, context: TaskContext, runner: TaskRunner) -> None:
        typed = decoded(params, self.params)
        runner.spawn(token, lambda: self.run(typed, context))


@dataclass(frozen=True)
class ThreadTask(Generic[P]):
    """A function in a thread: for tasks that compute, so that heartbeats are not delayed."""

    params: type[P]
    run: Callable[[P, TaskContext], object]

    def begin(self, params: bytes, token: int, context: TaskContext, runner: TaskRunner) -> None:
        typed = decoded(params, self.params)
        runner.spawn_thread(token, lambda: self.run(typed, context))


def decoded(params: bytes, kind: type[P]) -> P:
    """Return typed parameters from JSON. Raises TaskError that names the field, the expected and the found
    value.
    """
    try:
        return msgspec.json.decode(params or b"{}", type=kind)
    except DECODE_ERRORS as error:
        raise TaskError(f"bad params: {error}") from None


def encoded(output: Any) -> bytes:
    """Return a task's output as JSON. Raises TaskError where it exceeds BULK_BYTES."""
    data = msgspec.json.encode(output)
    if len(data) > BULK_BYTES:
        raise TaskError(f"the output has {len(data)} bytes; at most {BULK_BYTES} are kept")
    return data
