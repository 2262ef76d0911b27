"""An assignment is held back to the end of the run."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from driver.controls.control import Altered, Control, growing, replaced, several
from driver.histories.history import History
from driver.histories.run_timeline import run_timeline
from driver.reference.task_history import task_index
from wire.task_events import Assigned


def alter(history: History) -> Iterator[Altered]:
    """Hold first assignments back: those of one priority, the first submitted first, for each priority."""
    end_ns = history.view(run_timeline).end_ns
    by_priority: dict[str, list[Assigned]] = {}
    for task in history.view(task_index).tasks.values():
        if task.submitted is not None and task.assigned and task.assigned[0].at_ns < end_ns:
            by_priority.setdefault(task.submitted.priority, []).append(task.assigned[0])
    for name, events in by_priority.items():
        for some in growing(events):
            pairs = [(event, replace(event, at_ns=end_ns)) for event in some]
            change = f"the assignment of {several(some[0].task, len(some))} ({name}) held back to the end"
            yield Altered(change, replaced(history, pairs))


CONTROL = Control("assignment_late", "A task is assigned at the end of the run.", alter, (Assigned,), rank=70)
