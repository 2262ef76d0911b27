"""Prometheus metrics: task counts, workers, the store and every counter, read at the time of the scrape."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from coordinator.committer import Committer
from coordinator.core import CoordinatorCore

LABELS = {
    "attempts_lost": "loss", "connections": "outcome", "connections_lost": "kind", "frames_refused": "fault",
    "handshakes_refused": "reason", "results_refused": "because", "checkpoints_refused": "because",
    "connections_dropped": "cause", "connections_unused": "code",
}  # fmt: skip
"""Counters that have a label, and its name."""


class _Snapshot(Collector):
    def __init__(self, core: CoordinatorCore, committer: Committer, now_ns: int) -> None:
        self._core = core
        self._committer = committer
        self._now_ns = now_ns

    def collect(self) -> Iterator[Metric]:
        state = self._core.state(self._now_ns)
        yield GaugeMetricFamily("stormlab_epoch", "Lives of this coordinator's store", state.epoch)
        yield GaugeMetricFamily("stormlab_draining", "1 while the coordinator leaves", int(state.draining))
        tasks = GaugeMetricFamily("stormlab_tasks", "Tasks by state", labels=["state"])
        for name in ("completed", "failed", "waiting", "assigned"):
            tasks.add_metric([name], getattr(state.counts, name))
        yield tasks
        yield CounterMetricFamily("stormlab_tasks_submitted", "Tasks taken", state.counts.submitted)
        waiting = GaugeMetricFamily(
            "stormlab_tasks_waiting", "Waiting tasks by priority", labels=["priority"]
        )
        for name, depth in state.waiting_by_priority.items():
            waiting.add_metric([name], depth)
        yield waiting
        workers = GaugeMetricFamily("stormlab_workers", "Known workers by state", labels=["state"])
        for name in ("connected", "lost", "gone"):
            workers.add_metric([name], sum(worker.state == name for worker in state.workers))
        yield workers
        committer = self._committer
        yield CounterMetricFamily("stormlab_store_commits", "Transactions", committer.commits)
        yield CounterMetricFamily("stormlab_store_rows", "Rows in them", committer.rows)
        yield CounterMetricFamily("stormlab_store_busy_seconds", "Time spent in them", committer.busy_s)
        for name, total in self._core.traffic.now().items():
            yield CounterMetricFamily(
                f"stormlab_{name}", f"Totals of all connections: {name.replace('_', ' ')}", total
            )
        yield from self._counters()

    def _counters(self) -> Iterator[Metric]:
        families: dict[str, CounterMetricFamily] = {}
        for (name, label), total in self._core.counters.totals.items():
            labels = [LABELS[name]] if label else []
            if name not in families:
                families[name] = CounterMetricFamily(
                    f"stormlab_{name}", name.replace("_", " "), labels=labels
                )
            families[name].add_metric([label] if label else [], total)
        yield from families.values()


def render(core: CoordinatorCore, committer: Committer, now_ns: int) -> bytes:
    """Return the text of one scrape."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot(core, committer, now_ns))
    return generate_latest(registry)
