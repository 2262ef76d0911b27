"""A lab as it is now, folded from its journals line by line, by the definitions of the report. Pure."""

from __future__ import annotations

from array import array
from bisect import insort
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from driver.dashboard.faults_now import FaultsNow
from driver.dashboard.series import Series
from driver.dashboard.told import TELL
from driver.dashboard.worker_now import Standing, Usage, WorkerNow
from driver.histories import events as driver
from driver.histories.history import COORDINATOR
from driver.metrics.metric import percentile
from wire import events
from wire.events import Event

RECENT_NS = 10_000_000_000
"""Percentiles in the curves are of so long before."""
RING = 500
_SECOND_NS = 1_000_000_000


@dataclass(frozen=True)
class Told:
    """A line of the stream, numbered from 1."""

    number: int
    event: Event
    text: str


class Model:
    """Hears events in order of time; everything else reads."""

    def __init__(self, workers: Sequence[str] = ()) -> None:
        self.workers: dict[str, WorkerNow] = {}
        self.coordinator = Usage()
        self.totals: events.Totals | None = None
        self.faults = FaultsNow()
        self.run: driver.RunStarted | None = None
        self.phase = ""
        self.is_over = False
        """Whether what follows is the lab's own teardown, of which the report tells no connections either."""
        self.zero_ns, self.zero_wall_s = 0, 0.0
        """From when the scenario's times count, by both clocks; 0 before that is known."""
        self.series = Series()
        self.ring: deque[Told] = deque(maxlen=RING)
        self.heard = 0
        self.attempts = 0
        self.reconnections = 0
        self.completed = self.failed = 0
        self.reconnection_times_s: list[float] = []
        self.latencies_s = array("d")
        self._recent_reconnections: deque[tuple[int, float]] = deque()
        self._recent_latencies: deque[tuple[int, float]] = deque()
        self._intended: dict[str, int] = {}
        self._sessions: dict[str, str] = {}
        self._second = 0
        self._rates = {"attempts": 0, "tasks": 0}
        self._on: dict[type[Event], Callable[[Any], None]] = {
            driver.RunStarted: self._run_started,
            driver.PhaseBegun: self._phase_begun,
            driver.FaultBegun: self._fault_begun,
            driver.PhaseEnded: self._phase_ended,
            driver.FaultEnded: self.faults.ended,
            driver.Healed: self.faults.healed,
            driver.Receipt: self.faults.proved,
            driver.ResourceSample: self._sample,
            events.TaskSubmitted: self._submitted,
            events.TaskDone: self._task_done,
            events.Totals: self._totals,
            events.WorkerJoined: self._joined,
            events.WorkerLost: self._let_go,
            events.WorkerGone: self._let_go,
            events.ProcessStarted: self._process,
            events.ProcessStopping: self._process,
            events.Connecting: self._connecting,
        }
        for name in workers:
            self.worker(name)

    def worker(self, name: str) -> WorkerNow:
        """A worker, known from now on."""
        found = self.workers.get(name)
        if found is None:
            found = self.workers[name] = WorkerNow(name)
        return found

    def hear(self, event: Event) -> None:
        """The next event."""
        self._turn_to(event)
        if handler := self._on.get(type(event)):
            handler(event)
        if event.by.startswith("worker-"):
            self._of_worker(event)
        if tell := TELL.get(type(event)):
            self.heard += 1
            self.ring.append(Told(self.heard, event, tell(event)))

    def tick(self, at_ns: int, wall_s: float) -> None:
        """Time passes, also where nothing happens."""
        if self._second and at_ns // _SECOND_NS >= self._second:
            self._close(at_ns // _SECOND_NS, at_ns, wall_s)

    @property
    def connected(self) -> int:
        """Workers that are connected by both sides' word."""
        return sum(worker.standing is Standing.connected for worker in self.workers.values())

    def _turn_to(self, event: Event) -> None:
        second = event.at_ns // _SECOND_NS
        if second != self._second:
            if self._second and second > self._second:
                self._close(second, event.at_ns, event.wall_s)
            self._second = max(second, self._second)

    def _close(self, second: int, at_ns: int, wall_s: float) -> None:
        """Put the point of the second that has passed (or passes) at its end, and begin another."""
        end_wall_s = wall_s - (at_ns - (self._second + 1) * _SECOND_NS) / 1e9
        self.series.put(float(int(end_wall_s)), self._point(at_ns))
        if second > self._second:
            passed = second - self._second - 1
            self._second = second
            self._rates = dict.fromkeys(self._rates, 0)
            if passed > 0:
                # Nothing happened for a while: the curves stay where they are until now.
                self.series.put(float(int(end_wall_s)) + 1, self._point(at_ns))
                self.series.put(float(int(end_wall_s)) + passed, self._point(at_ns))

    def _point(self, at_ns: int) -> dict[str, float | None]:
        back, late = (
            _recent(self._recent_reconnections, at_ns),
            _recent(self._recent_latencies, at_ns),
        )
        usages = [worker.usage for worker in self.workers.values()]
        return {
            **self._rates,
            "connected": self.connected,
            "waiting": self.totals.waiting if self.totals else None,
            "assigned": self.totals.assigned if self.totals else None,
            "reconnection_p50": percentile(back, 50),
            "reconnection_p99": percentile(back, 99),
            "latency_p50": percentile(late, 50),
            "latency_p99": percentile(late, 99),
            "memory_workers": sum(usage.memory_bytes or 0 for usage in usages) or None,
            "memory_coordinator": self.coordinator.memory_bytes,
            "cpu_workers": _sum(usage.cpu_cores for usage in usages),
            "cpu_coordinator": self.coordinator.cpu_cores,
        }

    def _of_worker(self, event: Event) -> None:
        worker = self.worker(event.by)
        outage = worker.hear(event)
        if outage is None or self.is_over:
            return
        self.reconnections += 1
        worker.reconnections += 1
        if outage.how == "loss" and outage.total_s is not None:
            insort(self.reconnection_times_s, outage.total_s)
            self._recent_reconnections.append((event.at_ns, outage.total_s))

    def _connecting(self, event: events.Connecting) -> None:
        self._rates["attempts"] += 1
        self.attempts += not self.is_over

    def _run_started(self, event: driver.RunStarted) -> None:
        self.run = event
        for name in event.workers:
            self.worker(name)

    def _phase_begun(self, event: driver.PhaseBegun) -> None:
        self.phase = event.phase
        zero_ns = event.zero_ns or (event.at_ns if event.phase == "gate" else 0)
        if zero_ns:
            self.zero_ns, self.zero_wall_s = zero_ns, event.wall_s + (zero_ns - event.at_ns) / 1e9
        self.is_over |= event.phase == "collect"

    def _phase_ended(self, event: driver.PhaseEnded) -> None:
        self.is_over |= event.phase == "drain"

    def _fault_begun(self, event: driver.FaultBegun) -> None:
        window = self.faults.begun(event)
        known = tuple(self.workers)
        for worker in self.workers.values():
            if window.reaches(worker.name, known):
                worker.faults.append(window)

    def _sample(self, event: driver.ResourceSample) -> None:
        if event.container == COORDINATOR:
            self.coordinator.sample(event.at_ns, event.memory_bytes, event.cpu_s)
        elif event.container.startswith("worker-"):
            self.worker(event.container).usage.sample(event.at_ns, event.memory_bytes, event.cpu_s)

    def _submitted(self, event: events.TaskSubmitted) -> None:
        self._intended.setdefault(event.task, event.intended_ns)

    def _task_done(self, event: events.TaskDone) -> None:
        intended_ns = self._intended.pop(event.task, None)
        if intended_ns is None or self.is_over:
            # A restarted coordinator tells again what it cannot know to have told.
            return
        self._rates["tasks"] += 1
        self.completed += event.outcome == "completed"
        self.failed += event.outcome == "failed"
        if event.worker in self.workers:
            self.workers[event.worker].tasks += 1
        if intended_ns:
            latency_s = (event.at_ns - intended_ns) / 1e9
            self.latencies_s.append(latency_s)
            self._recent_latencies.append((event.at_ns, latency_s))

    def _totals(self, event: events.Totals) -> None:
        self.totals = event

    def _joined(self, event: events.WorkerJoined) -> None:
        self._sessions[event.worker] = event.session
        self.worker(event.worker).believed(True, event)

    def _let_go(self, event: events.WorkerLost | events.WorkerGone) -> None:
        if isinstance(event, events.WorkerLost) and event.kind == "superseded":
            return
        if self._sessions.get(event.worker) == event.session:
            self.worker(event.worker).believed(False, event)
        if isinstance(event, events.WorkerLost):
            self.worker(event.worker).tracker.coordinator_lost(event.at_ns)

    def _process(self, event: events.ProcessStarted | events.ProcessStopping) -> None:
        if event.by == COORDINATOR:
            for worker in self.workers.values():
                worker.believed(False, event)


def _recent(pairs: deque[tuple[int, float]], at_ns: int) -> list[float]:
    while pairs and pairs[0][0] < at_ns - RECENT_NS:
        pairs.popleft()
    return sorted(value for _, value in pairs)


def _sum(values: Any) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
