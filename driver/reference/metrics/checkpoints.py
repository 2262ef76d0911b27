"""Checkpoints: created, committed, restored, and the steps that were repeated without one."""

from __future__ import annotations

from collections import Counter

from driver.histories.history import History
from driver.histories.refusals import refused
from driver.metrics.metric import Better, Metric, MetricFamily, Unit, Values, distribution, ratio, summed_up
from wire.task_events import (
    Assigned,
    CheckpointCommitted,
    CheckpointCreated,
    CheckpointRefused,
    Started,
    TaskDone,
)

METRICS = (
    Metric("checkpoints_created", Unit.count, Better.neither, "checkpoints that workers wrote"),
    Metric(
        "checkpoints_committed", Unit.count, Better.neither, "checkpoints that are durable at the coordinator"
    ),
    Metric(
        "checkpoints_refused",
        Unit.count,
        Better.lower,
        "checkpoints that the coordinator refused: stale, older, damaged",
    ),
    Metric("checkpoints_restored", Unit.count, Better.neither, "attempts that began from a checkpoint"),
    Metric(
        "checkpoint_restore_ratio",
        Unit.ratio,
        Better.higher,
        "attempts that began from a checkpoint ÷ attempts assigned when their task had a durable one",
    ),
    Metric(
        "redone_steps",
        Unit.count,
        Better.lower,
        "steps of recorded results that an older attempt had done before",
    ),
    Metric("checkpoint_bytes", Unit.bytes, Better.neither, "bytes of all checkpoints that workers wrote"),
    *distribution("checkpoint_size", Unit.bytes, Better.neither, "the sizes of checkpoints"),
    *distribution(
        "checkpoint_commit_time",
        Unit.seconds,
        Better.lower,
        "the times from a checkpoint at the worker until it is durable at the coordinator",
    ),
)


def measure(history: History) -> Values:
    """Return the values of METRICS."""
    created = history.of(CheckpointCreated)
    committed = history.of(CheckpointCommitted)
    sizes = [float(event.size_bytes) for event in created]
    at_ns = {(event.task, event.token, event.step): event.at_ns for event in created}
    delays = [
        (event.at_ns - made_ns) / 1e9
        for event in committed
        if (made_ns := at_ns.get((event.task, event.token, event.step))) is not None
    ]
    restored, restorable = _restores(history)
    return {
        "checkpoints_created": len(created),
        "checkpoints_committed": len(committed),
        "checkpoints_refused": refused(history, CheckpointRefused),
        "checkpoints_restored": sum(1 for event in history.of(Started) if event.from_step > 0),
        "checkpoint_restore_ratio": ratio(restored, restorable),
        "redone_steps": sum(event.redone_steps for event in history.of(TaskDone)),
        "checkpoint_bytes": sum(sizes),
        **summed_up("checkpoint_size", Unit.bytes, sizes),
        **summed_up("checkpoint_commit_time", Unit.seconds, delays),
    }


def _restores(history: History) -> tuple[int, int]:
    """Return how many attempts began from a checkpoint, and how many could have."""
    started = {event.token: event.from_step for event in history.of(Started)}
    held: Counter[str] = Counter()
    restored = restorable = 0
    for event in history.merged(CheckpointCommitted, Assigned):
        if isinstance(event, CheckpointCommitted):
            held[event.task] += 1
        elif isinstance(event, Assigned) and held[event.task] and event.token in started:
            restorable += 1
            restored += started[event.token] > 0
    return restored, restorable


BROKEN_BY = {
    "checkpoints_refused": ("refusals_claimed",),
    "checkpoint_commit_time": ("checkpoint_late",),
    "checkpoints": ("events_repeated", "events_forgotten"),
    "": ("numbers_changed",),
}
FAMILY = MetricFamily("Checkpoints", METRICS, measure, rank=40, broken_by=BROKEN_BY)
