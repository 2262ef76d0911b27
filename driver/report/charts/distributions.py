"""Distributions of durations, as data of the page's plots. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from driver.histories.connection_history import LOSS, connection_histories
from driver.histories.history import History
from driver.histories.intervals import holds
from driver.histories.outage_phases import PHASES
from driver.histories.run_timeline import run_timeline
from driver.reference.task_history import TaskHistory, task_index
from driver.report.charts.bins import short
from driver.report.charts.curves import Plot, PlotLine
from wire.priority import Priority

POINTS = 300


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


def reconnection_distribution(history: History) -> Plot:
    """Return the plot of the times to reconnect, and of their phases."""
    outages = [
        o
        for connections in history.view(connection_histories).values()
        for o in connections.outages
        if o.how == LOSS and o.back
    ]
    return distribution(
        "reconnection",
        "Time to reconnect",
        "The whole outage, fault included, and its phases.",
        {
            "whole": [o.total_s for o in outages],
            **{phase.name: [phase.length_s(o) for o in outages] for phase in PHASES},
        },
    )


def distribution(name: str, title: str, says: str, groups: Mapping[str, Sequence[float | None]]) -> Plot:
    """Return a plot with a line for each group that has numbers."""
    colours = {"whole": "ink", **{phase.name: f"phase-{phase.key}" for phase in PHASES}}
    series = []
    for label, numbers in groups.items():
        # A logarithmic axis has no zero; a tenth of a millisecond is drawn for it.
        ordered = sorted(max(1e-4, number) for number in numbers if number is not None)
        if ordered:
            ranks = sorted({round(index * (len(ordered) - 1) / (POINTS - 1)) for index in range(POINTS)})
            x = [round(ordered[rank], 5) for rank in ranks]
            shares = [short((rank + 1) / len(ordered)) for rank in ranks]
            series.append(PlotLine(f"{label} ({len(ordered)})", shares, x, colours.get(label, "")))
    return Plot(name, title, "s", says, series, log=True)


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
