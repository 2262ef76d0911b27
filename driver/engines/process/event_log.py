"""Events of a lab's processes: kept for a while, and followed by any number of readers."""

from __future__ import annotations

import threading
import time
from collections import deque

from driver.engines.engine import EngineEvent

KEPT = 10_000


class ProcessEventLog:
    """The last KEPT events. Safe for threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._events: deque[tuple[int, EngineEvent]] = deque(maxlen=KEPT)
        self._count = 0

    def add(self, container: str, action: str, detail: str = "") -> None:
        """Add an event that happens now."""
        with self._changed:
            self._count += 1
            self._events.append((self._count, EngineEvent(container, action, detail, time.monotonic_ns())))
            self._changed.notify_all()

    def position(self, since_ns: int | None) -> int:
        """Return the position before the first kept event at or after `since_ns`; None: after all."""
        with self._changed:
            earlier = [number for number, event in self._events if since_ns is None or event.at_ns < since_ns]
            return max(earlier, default=self._count - len(self._events))

    def wait(self, position: int, timeout_s: float) -> tuple[int, list[EngineEvent]]:
        """Return the events after a position, and the position after them; none after `timeout_s`."""
        with self._changed:
            self._changed.wait_for(lambda: self._count > position, timeout_s)
            found = [event for number, event in self._events if number > position]
            return self._count, found
