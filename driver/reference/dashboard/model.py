"""The live model of a lab: a fold over the events of its journals. Pure.

Its figures have the report's definitions. Each subject has a part of its own; the model hands each event to
the parts that it is about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from driver.dashboard.event_log import EventLog
from driver.dashboard.live_faults import LiveFaults
from driver.dashboard.live_run import LiveRun
from driver.dashboard.live_usage import LiveUsage
from driver.dashboard.time_series import Point, SecondSampler, TimeSeries
from driver.histories import events as driver
from driver.histories.history import SERVER
from driver.metrics.metric import percentile
from driver.reference.dashboard.live_stats import ConnectionStats, TaskStats
from driver.reference.dashboard.live_worker import LiveWorker, TileState
from driver.reference.dashboard.task_event_text import TASK_EVENT_TEXT
from wire import events, task_events
from wire.events import Event


class Model:
    """Applies events in order of time. The parts are public, to be read only."""

    def __init__(self, workers: Sequence[str] = ()) -> None:
        self.workers: dict[str, LiveWorker] = {}
        self.coordinator = LiveUsage()
        self.faults = LiveFaults()
        self.run = LiveRun()
        self.connections = ConnectionStats()
        self.tasks = TaskStats()
        self.log = EventLog(TASK_EVENT_TEXT)
        self._sampler = SecondSampler(self._gauges)
        self._sessions: dict[str, str] = {}
        self._handlers: dict[type[Event], Callable[[Any], None]] = {
            driver.RunStarted: self._run_started,
            driver.PhaseBegun: self.run.begin_phase,
            driver.PhaseEnded: self.run.end_phase,
            driver.FaultBegun: self._fault_begun,
            driver.FaultEnded: self.faults.end,
            driver.Healed: self.faults.heal,
            driver.Receipt: self.faults.add_receipt,
            driver.ResourceSample: self._sample,
            task_events.TaskSubmitted: self.tasks.submit,
            task_events.TaskDone: self._task_done,
            task_events.Totals: self._totals,
            events.WorkerJoined: self._worker_joined,
            events.WorkerLost: self._worker_lost,
            events.WorkerGone: self._unregister,
            events.ProcessStarted: self._process_changed,
            events.ProcessStopping: self._process_changed,
            events.Connecting: self._connecting,
        }
        for name in workers:
            self.worker(name)

    @property
    def series(self) -> TimeSeries:
        """The curves."""
        return self._sampler.series

    @property
    def connected(self) -> int:
        """The number of workers with a connection that both its ends have."""
        return sum(worker.state is TileState.connected for worker in self.workers.values())

    @property
    def connected_under_faults(self) -> int:
        """The number of connected workers that a fault aims at: neither end may have detected it yet."""
        targets = self.faults.by_target()
        return sum(
            worker.state is TileState.connected and name in targets for name, worker in self.workers.items()
        )

    def worker(self, name: str) -> LiveWorker:
        """Return a worker; added if it is new."""
        found = self.workers.get(name)
        if found is None:
            found = self.workers[name] = LiveWorker(name)
        return found

    def apply(self, event: Event) -> None:
        """Apply the next event."""
        self._sampler.advance(event.at_ns, event.wall_s)
        if handler := self._handlers.get(type(event)):
            handler(event)
        if event.by.startswith("worker-"):
            self._apply_to_worker(event)
        self.log.add(event)

    def tick(self, at_ns: int, wall_s: float) -> None:
        """Let the curves go on to a time without an event."""
        self._sampler.tick(at_ns, wall_s)

    def _gauges(self, at_ns: int) -> Point:
        totals = self.tasks.totals
        times_s = self.connections.recent_times_s.ordered(at_ns)
        latencies_s = self.tasks.recent_latencies_s.ordered(at_ns)
        usages = [worker.usage for worker in self.workers.values()]
        return {
            "connected": self.connected,
            "waiting": totals.waiting if totals else None,
            "assigned": totals.assigned if totals else None,
            "reconnection_p50": percentile(times_s, 50),
            "reconnection_p99": percentile(times_s, 99),
            "latency_p50": percentile(latencies_s, 50),
            "latency_p99": percentile(latencies_s, 99),
            "memory_workers": sum(usage.memory_bytes or 0 for usage in usages) or None,
            "memory_coordinator": self.coordinator.memory_bytes,
            "cpu_workers": _sum(usage.cpu_cores for usage in usages),
            "cpu_coordinator": self.coordinator.cpu_cores,
        }

    def _apply_to_worker(self, event: Event) -> None:
        worker = self.worker(event.by)
        outage = worker.apply(event)
        if outage is not None and not self.run.is_over:
            worker.reconnections += 1
            self.connections.add_outage(outage, event.at_ns)

    def _connecting(self, event: events.Connecting) -> None:
        self._sampler.count("attempts")
        self.connections.attempts += not self.run.is_over

    def _run_started(self, event: driver.RunStarted) -> None:
        self.run.started = event
        for name in event.clients:
            self.worker(name)

    def _fault_begun(self, event: driver.FaultBegun) -> None:
        window = self.faults.begin(event)
        names = tuple(self.workers)
        for worker in self.workers.values():
            if window.reaches(worker.name, names):
                worker.faults.append(window)

    def _sample(self, event: driver.ResourceSample) -> None:
        if event.container == SERVER:
            self.coordinator.add_sample(event.at_ns, event.memory_bytes, event.cpu_s)
        elif event.container.startswith("worker-"):
            self.worker(event.container).usage.add_sample(event.at_ns, event.memory_bytes, event.cpu_s)

    def _task_done(self, event: task_events.TaskDone) -> None:
        if self.tasks.finish(event, counts=not self.run.is_over):
            self._sampler.count("tasks")
            if event.worker in self.workers:
                self.workers[event.worker].tasks += 1

    def _totals(self, event: task_events.Totals) -> None:
        self.tasks.totals = event

    def _worker_joined(self, event: events.WorkerJoined) -> None:
        self._sessions[event.worker] = event.session
        self.worker(event.worker).set_registered(True, event)

    def _worker_lost(self, event: events.WorkerLost) -> None:
        if event.kind != "superseded":
            self._unregister(event)
            self.worker(event.worker).tracker.server_lost(event.at_ns)

    def _unregister(self, event: events.WorkerLost | events.WorkerGone) -> None:
        """End a worker's registration, unless a newer session of it has begun."""
        if self._sessions.get(event.worker) == event.session:
            self.worker(event.worker).set_registered(False, event)

    def _process_changed(self, event: events.ProcessStarted | events.ProcessStopping) -> None:
        if event.by == SERVER:
            for worker in self.workers.values():
                worker.set_registered(False, event)


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
