"""Virtual time: events in the order of their instants, ties in the order in which they were made."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Final

BEGIN_NS: Final = 1_000_000_000


class Clock:
    """Monotonic nanoseconds that pass only when `step` is called. Wall time may jump; monotonic time never
    does.

    `acted` are the processes in which something happened at the last step, empty where that is unknown.
    `births` counts the processes that were started. While `is_watched`, an overdue action of a process ends
    the run.
    """

    def __init__(self) -> None:
        self.now_ns = BEGIN_NS
        self.wall_offset_s = 1_700_000_000.0
        self.acted: list[object] = []
        self.is_watched = True
        self.births = 0
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._made = 0

    def after(self, delay_ns: int, call: Callable[[], None]) -> None:
        """Have `call` run `delay_ns` from now."""
        self.at(self.now_ns + delay_ns, call)

    def at(self, at_ns: int, call: Callable[[], None]) -> None:
        """Have `call` run at `at_ns`, or now when that has passed."""
        self._made += 1
        if at_ns < self.now_ns:
            at_ns = self.now_ns
        heappush(self._heap, (at_ns, self._made, call))

    def step(self) -> bool:
        """Run the next event; False when there is none."""
        if not self._heap:
            return False
        self.acted.clear()
        self.now_ns, _, call = heappop(self._heap)
        call()
        return True

    def wall_s(self) -> float:
        """Unix time as processes see it."""
        return self.wall_offset_s + self.now_ns / 1e9
