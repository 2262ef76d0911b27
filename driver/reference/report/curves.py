"""Curves over time, as data of the page's plots. Pure."""

from __future__ import annotations

from driver.histories.history import SERVER, History
from driver.metrics.metric import percentile
from driver.metrics.resources import usage
from driver.metrics.signals import SIGNALS
from driver.reference.task_history import task_index
from driver.report.charts.bins import Bins, finest, fitted
from driver.report.charts.lanes import Clock
from driver.report.charts.plot import Plot, PlotLine, in_bins, plot_of
from wire.events import Connecting, TrafficTotals
from wire.task_events import Totals


def curves(history: History) -> list[Plot]:
    """Return the plots of what changed over time; those without any number are left out."""
    clock = Clock(history)
    fine = finest(clock)
    lives = history.view(task_index).accepted
    done = [life.result.at_ns for life in lives if life.result and life.result.outcome == "completed"]
    due = [life.intended_ns for life in lives if life.intended_ns]
    waits = [
        (life.intended_ns, (life.result.at_ns - life.start_ns) / 1e9)
        for life in lives
        if life.result and life.intended_ns
    ]
    depth = [(event.at_ns, float(event.queue_depth)) for event in history.of(TrafficTotals)]
    waiting = [(event.at_ns, float(event.waiting)) for event in history.of(Totals)]
    workers = len(history.clients)
    steps = SIGNALS["connected"].steps(history)
    connected = [(at_ns, share * workers) for at_ns, share in steps if at_ns < clock.end_ns]
    attempts = [event.at_ns for event in history.of(Connecting)]
    by_attempts, by_tasks = fitted(clock, attempts), fitted(clock, [*due, *done])
    by_due = fitted(clock, due)

    plots = [
        plot_of(
            fine,
            "connected",
            "Workers connected",
            "workers",
            "Both sides agree that the worker is connected.",
            PlotLine("connected", fine.least(connected)),
        ),
        plot_of(
            by_attempts,
            "attempts",
            "Attempts to connect",
            "1/s",
            f"All connection attempts, accepted or rejected, {in_bins(by_attempts)}.",
            PlotLine("attempts", by_attempts.rate_per_s(attempts)),
        ),
        plot_of(
            by_tasks,
            "tasks",
            "Tasks",
            "1/s",
            f"Completed under due: work piles up. Above: the pile shrinks. Drawn {in_bins(by_tasks)}.",
            PlotLine("due", by_tasks.rate_per_s(due)),
            PlotLine("completed", by_tasks.rate_per_s(done)),
        ),
        plot_of(
            by_due,
            "latency",
            "Task latency by intended start",
            "s",
            f"From the moment a task was due to its counted result, {in_bins(by_due)}.",
            PlotLine("median", by_due.each(waits, lambda n: percentile(n, 50))),
            PlotLine("largest", by_due.each(waits, lambda n: n[-1])),
            log=True,
        ),
        plot_of(
            fine,
            "queues",
            "Waiting",
            "count",
            "Tasks at the coordinator; messages not acknowledged, most of any process.",
            PlotLine("tasks", fine.each(waiting, lambda n: n[-1])),
            PlotLine("messages", fine.each(depth, lambda n: n[-1])),
        ),
        *_resources(history, fine),
    ]
    return [one for one in plots if one.series]


def _resources(history: History, bins: Bins) -> list[Plot]:
    used = history.view(usage)
    workers = [used[name] for name in history.clients if name in used]
    coordinator = [used[SERVER]] if SERVER in used else []
    memory = {
        label: [
            (at, size / 2**20) for one in group for at, size in zip(one.at_ns, one.memory_bytes, strict=True)
        ]
        for label, group in (("workers", workers), ("coordinator", coordinator))
    }
    cpu = {
        label: [
            (at, cores) for one in group for at, cores in zip(one.at_ns[1:], one.cpu_cores[1:], strict=True)
        ]
        for label, group in (("workers", workers), ("coordinator", coordinator))
    }
    return [
        plot_of(
            bins,
            "memory",
            "Memory",
            "MiB",
            "What the engine says each container holds.",
            PlotLine("largest worker", bins.each(memory["workers"], lambda n: n[-1])),
            PlotLine("median worker", bins.each(memory["workers"], lambda n: percentile(n, 50))),
            PlotLine("coordinator", bins.each(memory["coordinator"], lambda n: n[-1])),
        ),
        plot_of(
            bins,
            "cpu",
            "CPU",
            "cores",
            "Seconds of CPU in a second.",
            PlotLine("busiest worker", bins.each(cpu["workers"], lambda n: n[-1])),
            PlotLine("coordinator", bins.each(cpu["coordinator"], lambda n: n[-1])),
        ),
    ]
