"""Priority queue with five priorities and no starvation: weighted shares, and every fourth turn for the
oldest item.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import Final, Generic, TypeVar

T = TypeVar("T")


class Priority(IntEnum):
    """Smaller is more urgent; the value travels on the wire."""

    critical = 0
    high = 1
    normal = 2
    low = 3
    background = 4


WEIGHTS = {
    Priority.critical: 16,
    Priority.high: 8,
    Priority.normal: 4,
    Priority.low: 2,
    Priority.background: 1,
}
_STRIDE = {priority: 16 // weight for priority, weight in WEIGHTS.items()}
_ORDER: Final = tuple(Priority)
"""(A loop over an enum creates its members each time.)"""
_AGED_EVERY: Final = 4


class PriorityQueue(Generic[T]):
    """A first-in-first-out lane for each priority, served in proportion to WEIGHTS (stride scheduling,
    Waldspurger 1995).

    An item older than `aged_after_ms` is served out of turn, the oldest first, but only at every fourth pick:
    so nothing starves, and an overload in which everything is old does not flatten the priorities. Times are
    monotonic nanoseconds. Order within a priority is the order of `put`. `put_back` returns an item to the
    head of its lane, or with `number` to its place by that number, in whatever order items come back.
    """

    __slots__ = ("_aged_after_ns", "_busy", "_lanes", "_length", "_number", "_passes", "_picks", "_virtual")

    def __init__(self, aged_after_ms: int = 10_000, number: Callable[[T], int] | None = None) -> None:
        self._aged_after_ns = aged_after_ms * 1_000_000
        self._number = number
        self._lanes: dict[Priority, deque[tuple[int, T]]] = {}
        self._busy: list[Priority] = []
        self._passes = [0] * len(Priority)
        self._virtual = 0
        self._picks = 0
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def put(self, item: T, priority: Priority, now_ns: int) -> None:
        """Queue `item` behind the others of its priority."""
        self._lane(priority).append((now_ns, item))
        self._length += 1

    def put_back(self, item: T, priority: Priority, queued_ns: int) -> None:
        """Return `item` to its place, with the time at which it was first queued. O(lane) at worst."""
        lane = self._lane(priority)
        number = self._number
        place = 0
        if number is not None and lane and number(lane[0][1]) < number(item):
            place = bisect_left(lane, number(item), key=lambda entry: number(entry[1]))
        lane.insert(place, (queued_ns, item))
        self._length += 1

    def put_back_all(self, items: list[tuple[int, T]], priority: Priority) -> None:
        """Return items, which are in order, each with the time at which it was first queued."""
        if not items:
            return
        lane = self._lane(priority)
        number = self._number
        lane.extendleft(reversed(items))
        self._length += len(items)
        if number is not None and len(lane) > len(items):
            self._lanes[priority] = deque(sorted(lane, key=lambda entry: number(entry[1])))

    def take(self, now_ns: int) -> T | None:
        """Remove and return the next item; None when empty."""
        priority = self._next(now_ns)
        if priority is None:
            return None
        self._picks += 1
        self._virtual = self._passes[priority]
        self._passes[priority] += _STRIDE[priority]
        self._length -= 1
        lane = self._lanes[priority]
        item = lane.popleft()[1]
        if not lane:
            self._busy.remove(priority)
        return item

    def drop_last(self, priority: Priority, may_drop: Callable[[T], bool] = lambda item: True) -> T | None:
        """Remove and return the newest item of one lane that `may_drop` allows; None when there is none."""
        lane = self._lanes.get(priority, deque())
        for place in range(len(lane) - 1, -1, -1):
            if may_drop(lane[place][1]):
                item = lane[place][1]
                del lane[place]
                self._length -= 1
                if not lane:
                    self._busy.remove(priority)
                return item
        return None

    def depths(self) -> dict[Priority, int]:
        """Return the number of items by priority; 0 for an empty lane."""
        return {priority: len(self._lanes.get(priority, ())) for priority in _ORDER}

    def __iter__(self) -> Iterator[T]:
        """Yield every item, lane by lane, the most urgent lane first."""
        for priority in _ORDER:
            lane = self._lanes.get(priority)
            if lane:
                for _, item in lane:
                    yield item

    def check(self) -> None:
        """Raise AssertionError where the queue's counters and contents disagree. O(items); for tests and
        simulations.
        """
        assert self._length == sum(map(len, self._lanes.values())), "the length is that of all lanes together"
        busy = [priority for priority, lane in self._lanes.items() if lane]
        assert sorted(self._busy) == sorted(busy), f"busy lanes are {busy}, not {self._busy}"
        if self._number is not None:
            for lane in self._lanes.values():
                numbers = [self._number(item) for _, item in lane]
                assert numbers == sorted(numbers), f"a lane is out of order: {numbers}"

    def _lane(self, priority: Priority) -> deque[tuple[int, T]]:
        """Return the lane of `priority`, to which the caller adds an item."""
        lane = self._lanes.get(priority)
        if not lane:
            if lane is None:
                lane = self._lanes[priority] = deque()
            self._busy.append(priority)
            # A lane that was empty must not use the turns that it missed.
            self._passes[priority] = max(self._passes[priority], self._virtual)
        return lane

    def _next(self, now_ns: int) -> Priority | None:
        busy = self._busy
        if len(busy) <= 1:
            return busy[0] if busy else None
        if self._picks % _AGED_EVERY == _AGED_EVERY - 1:
            oldest = min(busy, key=lambda priority: (self._lanes[priority][0][0], priority))
            if now_ns - self._lanes[oldest][0][0] > self._aged_after_ns:
                return oldest
        return min(busy, key=lambda priority: (self._passes[priority], priority))
