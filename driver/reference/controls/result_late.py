"""A task's latency is lengthened to the end of the run."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from driver.controls.control import Altered, Control, growing, replaced, several
from driver.histories.history import History
from driver.histories.run_timeline import run_timeline
from driver.reference.load_events import TasksAccepted
from wire.task_events import TaskDone

HOUR_NS = 3_600_000_000_000


def alter(history: History) -> Iterator[Altered]:
    """Record results at the end of the run, the newest first; then let batches be due an hour earlier."""
    end_ns = history.view(run_timeline).end_ns
    done = [event for event in reversed(history.of(TaskDone)) if event.at_ns < end_ns]
    for some in growing(done):
        pairs = [
            (event, replace(event, at_ns=end_ns, started_ns=event.started_ns and event.started_ns // 2))
            for event in some
        ]
        yield Altered(
            f"the result of {several(some[0].task, len(some))} held back to the end of the run",
            replaced(history, pairs),
        )
    for batches in growing([event for event in reversed(history.of(TasksAccepted)) if event.intended_ns]):
        early = [(event, _early(event)) for event in batches]
        tasks = sum(len(event.tasks) for event in batches)
        change = f"{several(batches[0].tasks[0], tasks)} due an hour earlier"
        yield Altered(change, replaced(history, early))


def _early(accepted: TasksAccepted) -> TasksAccepted:
    intended_ns = [at_ns - HOUR_NS for at_ns in accepted.intended_ns]
    return replace(accepted, intended_ns=intended_ns, noticed_ns=intended_ns)


CONTROL = Control(
    "result_late",
    "A task's result comes at the end of the run, or an hour late.",
    alter,
    (TaskDone, TasksAccepted),
    rank=40,
)
