"""What a simulated process has in common with a real one: it can be frozen, killed, and started again."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec

from tests.simulation.clock import Clock
from tests.simulation.invariants import BrokenError

P = ParamSpec("P")


class Process:
    """Calls into a process run only in the life they were meant for, and wait while it is frozen."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.life = 0
        self.born = 0
        self.is_alive = False
        self._frozen_until_ns = 0

    def begin_life(self) -> None:
        """A new process: whatever was meant for the last one is void."""
        self.life += 1
        self.clock.births += 1
        self.born = self.clock.births
        self.is_alive = True
        self._frozen_until_ns = 0

    def end_life(self) -> None:
        """SIGKILL: nothing more happens in it."""
        self.life += 1
        self.is_alive = False

    def freeze(self, for_ns: int) -> None:
        """Nothing happens in it for a while, then all that was due happens."""
        self._frozen_until_ns = max(self._frozen_until_ns, self.clock.now_ns + for_ns)

    def overlooked(self) -> str:
        """What this process should have done by now, and did not; "" when nothing.

        Asked before anything happens in it, and now and then: what time alone makes wrong stays wrong until
        then.
        """
        raise NotImplementedError

    def inside(self, call: Callable[P, None]) -> Callable[P, None]:
        """`call`, bound to this life: void in any other, late when frozen."""
        life = self.life

        def run(*args: P.args, **named: P.kwargs) -> None:
            if life != self.life or not self.is_alive:
                return
            if self.clock.now_ns < self._frozen_until_ns:
                self.clock.at(self._frozen_until_ns, lambda: run(*args, **named))
                return
            if self.clock.is_watched and (breach := self.overlooked()):
                raise BrokenError(breach)
            self.clock.acted.append(self)
            call(*args, **named)

        return run

    def soon(self, delay_ns: int, call: Callable[[], None]) -> None:
        """Have `call` run in this life, `delay_ns` from now."""
        self.clock.after(delay_ns, self.inside(call))
