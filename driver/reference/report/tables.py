"""Tables of the reference system's report: storms, load, priorities, checkpoints. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Callable

from driver.histories.history import History
from driver.histories.intervals import holds, union
from driver.histories.run_timeline import run_timeline
from driver.metrics import Metrics
from driver.metrics.metric import Unit, percentile
from driver.metrics.quantities import write
from driver.reference.task_history import task_index
from driver.report.tables import _SECOND_NS, Table, storm_table
from wire.priority import Priority

BANDS = 6


UNEVEN = 2.0
"""Ratio of variance to mean above which a load is uneven; that of a Poisson process is 1."""


_AFTERMATH_NS = 5 * _SECOND_NS


def subject_tables(history: History, metrics: Metrics) -> list[Table]:
    """Return the tables of a run, without empty ones."""
    subjects: tuple[Callable[[History, Metrics], Table], ...] = (
        storm_table,
        _load,
        _priorities,
        _checkpoints,
    )
    return [table for subject in subjects if (table := subject(history, metrics)).rows]


def _load(history: History, metrics: Metrics) -> Table:
    """Return completions by the load of each second outside faults; the knee is where they become fewer."""
    hurt = union((begin, end + _AFTERMATH_NS) for begin, end in history.view(run_timeline).under_fault)
    offered: dict[int, list[float]] = {}
    for life in history.view(task_index).accepted:
        if not life.intended_ns or holds(hurt, life.intended_ns):
            continue
        wait_s = (life.result.at_ns - life.start_ns) / 1e9 if life.result else float("inf")
        offered.setdefault(life.intended_ns // _SECOND_NS, []).append(wait_s)
    rates = sorted(len(waits) for waits in offered.values())
    if len(rates) < BANDS or statistics.variance(rates) < UNEVEN * statistics.fmean(rates):
        return Table("The load", "", (), ())
    edges = sorted({rates[min(len(rates) - 1, index * len(rates) // BANDS)] for index in range(BANDS)})
    rows = []
    for low, high in zip(edges, [*edges[1:], rates[-1] + 1], strict=True):
        waits = sorted(wait for each in offered.values() if low <= len(each) < high for wait in each)
        seconds = sum(1 for each in offered.values() if low <= len(each) < high)
        soon = sum(1 for wait in waits if wait <= 1.0)
        rows.append((
            f"{low} to {high - 1}/s",
            str(seconds),
            write(soon / len(waits) if waits else None, Unit.ratio),
            write(percentile(waits, 50), Unit.seconds),
            write(percentile(waits, 99), Unit.seconds),
        ))  # fmt: skip
    return Table(
        "The load",
        "Seconds of the run by how many tasks were due in them. The knee is where fewer are done within a "
        "second.",
        ("due", "seconds", "done within 1 s", "median latency", "p99 latency"),
        tuple(rows),
    )


def _priorities(history: History, metrics: Metrics) -> Table:
    rows = []
    for priority in Priority:
        values = [metrics.values[f"task_queueing_{priority.name}_{name}_s"] for name in ("p50", "p99", "max")]
        if values[0] is not None:
            rows.append((priority.name, *(write(value, Unit.seconds) for value in values)))
    return Table(
        "Priorities",
        "How long tasks waited to be given out. More urgent ones should wait less; none should wait for "
        "ever.",
        ("priority", "median", "p99", "longest"),
        tuple(rows) if len(rows) > 1 else (),
    )


def _checkpoints(history: History, metrics: Metrics) -> Table:
    names = ("checkpoints_created", "checkpoints_committed", "checkpoints_restored", "redone_steps")
    values = metrics.values
    if not values["checkpoints_created"]:
        return Table("Checkpoints", "", (), ())
    row = [write(values[name], Unit.count) for name in names]
    row.insert(3, write(values["checkpoint_restore_ratio"], Unit.ratio))
    row += [
        write(values["checkpoint_bytes"], Unit.bytes),
        write(values["checkpoint_commit_time_p99_s"], Unit.seconds),
    ]
    return Table(
        "Checkpoints",
        "What they cost in bytes and time, and what they saved: steps that were not done twice.",
        (
            "written",
            "durable",
            "taken up",
            "of those that could",
            "steps done twice",
            "bytes",
            "p99 until durable",
        ),
        (tuple(row),),
    )
