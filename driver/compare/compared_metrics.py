"""The metrics that are compared: each more makes the comparison of all less sensitive. Pure."""

from __future__ import annotations

from driver.compare.statistics import RUNS_NEEDED
from driver.errors import UsageError
from driver.metrics import METRICS
from driver.metrics.by_client import BACK_AFTER_HEAL, BY_CLIENT
from driver.metrics.metric import Metric, Unit

RUNS, CLIENTS = "runs", "workers"
"""The levels of a comparison: one number for each run, or one for each client of too few runs."""

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
    **BY_CLIENT,
}
"""What groups of runs are compared by, a number for each run."""

DECIDING = frozenset(
    {
        BACK_AFTER_HEAL.name,
        "reconnection_time_mean_s",
        "task_latency_p50_s",
        "task_latency_p99_s",
        "task_success_rate",
        "time_to_95_percent_back_s",
    }
)
"""Metrics that people decide by: each may use DECIDING_WEIGHT times as much of the allowed error."""
DECIDING_WEIGHT = 7.0

LEAST_RELATIVE = {RUNS: 0.05, CLIENTS: 0.20}
"""A smaller part is no difference to act on; between two single runs the machine alone makes more."""

LEAST = {Unit.ratio: 0.005, Unit.count: 0.5, Unit.bytes: 2.0**20}
LEAST_S = {RUNS: 0.005, CLIENTS: 0.05}
"""Nor is a smaller change, whatever part it is: timers and the scheduler of a busy machine make as much."""


def compared_metrics(level: str, by: str = "") -> dict[str, Metric]:
    """Return the metrics of a level, and `by` beside them. Raises UsageError: `by` is not of this level."""
    metrics = BY_RUN if level == RUNS else BY_CLIENT
    if not by or by in metrics:
        return metrics
    if level == RUNS:
        return {**metrics, by: METRICS[by]}
    raise UsageError(
        f"--by {by} needs {RUNS_NEEDED} runs on each side: with fewer, single clients are compared.",
        f"Those can be compared by {', '.join(BY_CLIENT)}. --repeat {RUNS_NEEDED} makes more runs.",
    )


def weight(name: str) -> float:
    """Return how much of the allowed error a metric may use, relative to the others."""
    return DECIDING_WEIGHT if name in DECIDING else 1.0


def least(unit: Unit, level: str) -> float:
    """Return the smallest change that counts as a difference, in the metric's own unit."""
    return LEAST_S[level] if unit is Unit.seconds else LEAST.get(unit, 0.0)
