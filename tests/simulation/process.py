"""What a simulated process has in common with a real one: it can be frozen, killed, and started again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, TypeVar

from tests.simulation.breach import BrokenError
from tests.simulation.clock import Clock

T = TypeVar("T")


class Process(ABC):
    """Calls into a process run only in the life that they belong to, and wait while it is frozen."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.life = 0
        self.born = 0
        self.is_alive = False
        self.frozen_until_ns = 0

    def begin_life(self) -> None:
        """A new process: whatever was meant for the last one is void."""
        self.life += 1
        self.clock.births += 1
        self.born = self.clock.births
        self.is_alive = True
        self.frozen_until_ns = 0

    def end_life(self) -> None:
        """SIGKILL: nothing more happens in it."""
        self.life += 1
        self.is_alive = False

    def freeze(self, for_ns: int) -> None:
        """Nothing happens in it for a while, then all that was due happens."""
        self.frozen_until_ns = max(self.frozen_until_ns, self.clock.now_ns + for_ns)

    @abstractmethod
    def overlooked(self) -> str:
        """What this process should have done by now, and did not; "" when nothing.

        Asked before anything happens in it, and now and then: what time alone makes wrong stays wrong until
        then.
        """

    def acts(self) -> None:
        """Something is about to happen in it. Raises BrokenError when it overlooked something before."""
        clock = self.clock
        if clock.is_watched and (breach := self.overlooked()):
            raise BrokenError(breach)
        clock.acted.append(self)

    def inside(self, call: Callable[[], None]) -> Callable[[], None]:
        """`call`, bound to this life: void in any other, late when frozen."""
        return Inside(self, call)

    def inside_with(self, call: Callable[[T], None]) -> Callable[[T], None]:
        """The same for a call with an argument."""
        return InsideWith(self, call)

    def soon(self, delay_ns: int, call: Callable[[], None]) -> None:
        """Have `call` run in this life, `delay_ns` from now."""
        self.clock.after(delay_ns, Inside(self, call))


# (Classes, not closures that name themselves: those are circles, and half of a run's time would go to
# finding its garbage.)


class Inside:
    """A call into one life of a process."""

    __slots__ = ("_call", "_life", "_process")

    def __init__(self, process: Process, call: Callable[[], None]) -> None:
        self._process = process
        self._life = process.life
        self._call = call

    def __call__(self) -> None:
        process = self._process
        if self._life != process.life or not process.is_alive:
            return
        clock = process.clock
        if clock.now_ns < process.frozen_until_ns:
            clock.at(process.frozen_until_ns, self)
            return
        process.acts()
        self._call()


class InsideWith(Generic[T]):
    """A call with an argument into one life of a process."""

    __slots__ = ("_call", "_life", "_process")

    def __init__(self, process: Process, call: Callable[[T], None]) -> None:
        self._process = process
        self._life = process.life
        self._call = call

    def __call__(self, what: T) -> None:
        process = self._process
        if self._life != process.life or not process.is_alive:
            return
        clock = process.clock
        if clock.now_ns < process.frozen_until_ns:
            clock.at(process.frozen_until_ns, lambda: self(what))
            return
        process.acts()
        self._call(what)
