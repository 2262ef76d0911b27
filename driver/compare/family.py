"""What is compared. A metric that decides is a line here; the more there are, the less each shows. Pure."""

from __future__ import annotations

from driver.histories.connection_history import LOSS, connection_histories
from driver.histories.history import History
from driver.metrics import METRICS
from driver.metrics.metric import Better, Metric, Unit
from driver.metrics.storm import storms

BACK = Metric(
    "back_after_heal_mean_s",
    Unit.seconds,
    Better.lower,
    "mean of the times from a fault's end until a worker that it had cut off was back",
)
LONGEST_WAIT = Metric(
    "longest_wait_mean_s",
    Unit.seconds,
    Better.neither,
    "mean of the longest waits between two attempts that the policy asked for, one an outage",
)
BY_WORKER: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        BACK,
        LONGEST_WAIT,
        METRICS["reconnection_time_mean_s"],
        METRICS["attempts_per_reconnection_mean"],
        METRICS["detection_time_mean_s"],
        METRICS["handshake_time_mean_s"],
    )
}
"""Told for each worker apart, from the events inside a run: all that one run against one run is judged by."""

BY_RUN: dict[str, Metric] = {
    **{
        name: METRICS[name]
        for name in (
            "task_success_rate",
            "task_latency_p50_s",
            "task_latency_p99_s",
            "task_attempts_mean",
            "connected_ratio_mean",
            "connection_attempts",
            "storm_peak_attempts_per_s",
            "storm_amplification",
            "time_to_95_percent_back_s",
            "reconnection_time_p99_s",
            "messages_resent",
            "results_refused",
            "memory_worker_max_bytes",
            "memory_coordinator_max_bytes",
        )
    },
    **BY_WORKER,
}
"""Told for each run as a whole: what groups of runs are judged by."""

DECIDING = frozenset(
    {
        BACK.name,
        "reconnection_time_mean_s",
        "task_latency_p50_s",
        "task_latency_p99_s",
        "task_success_rate",
        "time_to_95_percent_back_s",
    }
)
"""What people decide by: each of these may use DECIDING_WEIGHT times as much of the allowed error."""
DECIDING_WEIGHT = 7.0

LEAST_RELATIVE = {"runs": 0.05, "workers": 0.20}
"""A smaller part is no difference to act on; between two single runs the machine alone makes more."""

LEAST = {Unit.ratio: 0.005, Unit.count: 0.5, Unit.bytes: 2.0**20}
LEAST_S = {"runs": 0.005, "workers": 0.05}
"""Nor is a smaller change, whatever part it is: timers and the scheduler of a busy machine make as much."""


def weight(name: str) -> float:
    """How much of the allowed error a metric may use, beside the others."""
    return DECIDING_WEIGHT if name in DECIDING else 1.0


def least(unit: Unit, level: str) -> float:
    """The smallest change of a metric that is worth a word, in its own unit."""
    return LEAST_S[level] if unit is Unit.seconds else LEAST.get(unit, 0.0)


def by_worker(history: History) -> dict[str, dict[str, float]]:
    """Each metric of BY_WORKER for each worker: its mean over the worker's outages. Without any, no entry."""
    found: dict[str, dict[str, list[float]]] = {name: {} for name in BY_WORKER}

    def note(name: str, worker: str, value: float | None) -> None:
        if value is not None:
            found[name].setdefault(worker, []).append(value)

    for story in history.view(connection_histories).values():
        for outage in story.outages:
            if outage.how != LOSS or outage.back is None:
                continue
            note("reconnection_time_mean_s", outage.worker, outage.total_s)
            note("attempts_per_reconnection_mean", outage.worker, len(outage.attempts))
            note("detection_time_mean_s", outage.worker, outage.detection_s)
            note("handshake_time_mean_s", outage.worker, outage.handshake_s)
            if outage.asked_wait_ms:
                note(LONGEST_WAIT.name, outage.worker, max(outage.asked_wait_ms) / 1e3)
    for storm in history.view(storms):
        for outage in storm.outages:
            if storm.window.ended_ns is not None and outage.back_ns is not None:
                note(BACK.name, outage.worker, max(0.0, (outage.back_ns - storm.window.ended_ns) / 1e9))
    return {
        name: {worker: sum(values) / len(values) for worker, values in told.items()}
        for name, told in found.items()
    }
