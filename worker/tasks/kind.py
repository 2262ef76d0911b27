"""What a task kind is: typed params, and one of three ways to run. Each way knows how to begin, so nobody
asks which.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from wire.decoding import UNDECODABLE
from wire.messages import MAX_BULK_BYTES, Checkpoint

P = TypeVar("P", bound=msgspec.Struct)
P_contra = TypeVar("P_contra", contravariant=True)


class TaskError(Exception):
    """The task itself went wrong; the text is the result's error, for the person who submitted it."""


class Context(Protocol):
    """What a running attempt may ask for."""

    @property
    def checkpoint(self) -> Checkpoint | None:
        """Where to go on from."""
        ...

    @property
    def stopped(self) -> bool:
        """Whether the attempt is to end: a thread has to look for itself."""
        ...

    async def step_done(self, step: int, state: Callable[[], bytes], *, last: bool) -> None:
        """`step` steps are finished. `state` is asked for only where a checkpoint is wanted, and saved before
        this returns.
        """
        ...


class Runner(Protocol):
    """What the three ways need of the executor."""

    def done(self, token: int, output: bytes, error: str) -> None:
        """The attempt ran to its end."""
        ...

    def spawn(self, token: int, work: Callable[[], Awaitable[object]]) -> None:
        """Run `work` on the event loop; its outcome is the attempt's."""
        ...

    def spawn_thread(self, token: int, work: Callable[[], object]) -> None:
        """Run `work` off the event loop; its outcome is the attempt's."""
        ...


class Kind(Protocol):
    """One entry of the catalogue."""

    def begin(self, params: bytes, token: int, context: Context, runner: Runner) -> None:
        """Begin an attempt. Raises TaskError for params that do not fit."""
        ...


@dataclass(frozen=True)
class Inline(Generic[P]):
    """Done before `begin` returns: for what takes microseconds, so that thousands a second cost no task
    each.
    """

    params: type[P]
    run: Callable[[P], object]

    def begin(self, params: bytes, token: int, context: Context, runner: Runner) -> None:
        runner.done(token, encoded(self.run(decoded(params, self.params))), "")


@dataclass(frozen=True)
class OnLoop(Generic[P]):
    """A coroutine: for what mostly waits. Stopping it cancels it."""

    params: type[P]
    run: Callable[[P, Context], Awaitable[object]]

    def begin(self, params: bytes, token: int, context: Context, runner: Runner) -> None:
        typed = decoded(params, self.params)
        runner.spawn(token, lambda: self.run(typed, context))


@dataclass(frozen=True)
class InThread(Generic[P]):
    """A function in a thread: for what computes, so that it never starves the heartbeat."""

    params: type[P]
    run: Callable[[P, Context], object]

    def begin(self, params: bytes, token: int, context: Context, runner: Runner) -> None:
        typed = decoded(params, self.params)
        runner.spawn_thread(token, lambda: self.run(typed, context))


def decoded(params: bytes, kind: type[P]) -> P:
    """Typed params from JSON. Raises TaskError that names the field, what was expected and what was found."""
    try:
        return msgspec.json.decode(params or b"{}", type=kind)
    except UNDECODABLE as error:
        raise TaskError(f"bad params: {error}") from None


def encoded(output: Any) -> bytes:
    """JSON of a task's output. Raises TaskError when it is larger than a message may be."""
    data = msgspec.json.encode(output)
    if len(data) > MAX_BULK_BYTES:
        raise TaskError(f"the output has {len(data)} bytes; at most {MAX_BULK_BYTES} are kept")
    return data
