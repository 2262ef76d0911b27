"""Distributions of the tasks' latencies, as data of the page's plots. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from driver.histories.history import History
from driver.histories.intervals import holds
from driver.histories.run_timeline import run_timeline
from driver.reference.task_history import TaskHistory, task_index
from driver.report.charts.distributions import distribution, reconnection_distribution
from driver.report.charts.plot import Plot
from wire.priority import Priority


def distributions(history: History) -> list[Plot]:
    """Return the plots of cumulative shares: of the numbers no larger than x. Empty plots are left out."""
    lives = history.view(task_index).accepted
    plots = [
        reconnection_distribution(history),
        distribution(
            "latency-distribution", "Task latency", "Tasks by when they were due.", _by_time(history, lives)
        ),
        distribution(
            "queueing", "Waiting to be given out", "The more urgent, the further left.", _by_priority(lives)
        ),
    ]
    return [plot for plot in plots if plot.series]


def _by_time(history: History, lives: list[TaskHistory]) -> dict[str, Sequence[float | None]]:
    run = history.view(run_timeline)
    under = run.under_fault
    ends = [end for _, end in under]
    groups: dict[str, list[float | None]] = {"before any fault": [], "under a fault": [], "after a fault": []}
    for life in lives:
        if life.result is None or not life.intended_ns:
            continue
        latency_s = (life.result.at_ns - life.start_ns) / 1e9
        if holds(under, life.intended_ns):
            groups["under a fault"].append(latency_s)
        elif bisect_right(ends, life.intended_ns):
            groups["after a fault"].append(latency_s)
        else:
            groups["before any fault"].append(latency_s)
    return dict(groups)


def _by_priority(lives: list[TaskHistory]) -> dict[str, Sequence[float | None]]:
    groups: dict[str, list[float | None]] = {priority.name: [] for priority in Priority}
    for life in lives:
        if life.submitted and life.assigned and life.submitted.priority in groups:
            groups[life.submitted.priority].append((life.assigned[0].at_ns - life.submitted.at_ns) / 1e9)
    filled = {name: waits for name, waits in groups.items() if waits}
    return dict(filled) if len(filled) > 1 else {}
