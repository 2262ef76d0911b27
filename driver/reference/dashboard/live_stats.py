"""Counts and times of connections and tasks, by the definitions of the report. Pure."""

from __future__ import annotations

from array import array
from bisect import insort
from collections import deque

from driver.histories.connection_history import Outage
from wire import task_events

RECENT_NS = 10_000_000_000
"""The window of the percentiles in the curves."""


class RecentValues:
    """The values of the last RECENT_NS, added in order of time."""

    def __init__(self) -> None:
        self._values: deque[tuple[int, float]] = deque()

    def add(self, at_ns: int, value: float) -> None:
        """Add a value."""
        self._values.append((at_ns, value))

    def ordered(self, at_ns: int) -> list[float]:
        """Drop what is older than the window before `at_ns`; returns the rest, sorted."""
        while self._values and self._values[0][0] < at_ns - RECENT_NS:
            self._values.popleft()
        return sorted(value for _, value in self._values)


class ConnectionStats:
    """Attempts to connect, reconnections, and the sorted times of reconnection after a loss (s)."""

    def __init__(self) -> None:
        self.attempts = 0
        self.reconnections = 0
        self.times_s: list[float] = []
        self.recent_times_s = RecentValues()

    def add_outage(self, outage: Outage, at_ns: int) -> None:
        """Count an outage that ended at `at_ns`; only that of a lost connection has a time."""
        self.reconnections += 1
        if outage.how == "loss" and outage.total_s is not None:
            insort(self.times_s, outage.total_s)
            self.recent_times_s.add(at_ns, outage.total_s)


class TaskStats:
    """Completed and failed tasks, and the latency of each (s) from its intended submission."""

    def __init__(self) -> None:
        self.totals: task_events.Totals | None = None
        """The coordinator's newest counts."""
        self.completed = self.failed = 0
        self.latencies_s = array("d")
        self.recent_latencies_s = RecentValues()
        self._intended_ns: dict[str, int] = {}

    def submit(self, event: task_events.TaskSubmitted) -> None:
        """Note when a task was to be submitted, at its first submission."""
        self._intended_ns.setdefault(event.task, event.intended_ns)

    def finish(self, event: task_events.TaskDone, *, counts: bool) -> bool:
        """Count a task's result if `counts`; returns whether it was counted.

        A restarted coordinator repeats results that it may have reported before: only the first counts.
        """
        intended_ns = self._intended_ns.pop(event.task, None)
        if intended_ns is None or not counts:
            return False
        self.completed += event.outcome == "completed"
        self.failed += event.outcome == "failed"
        if intended_ns:
            latency_s = (event.at_ns - intended_ns) / 1e9
            self.latencies_s.append(latency_s)
            self.recent_latencies_s.add(event.at_ns, latency_s)
        return True
