"""Two assignments of one priority are swapped."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from driver.controls.control import Altered, Control, name_of, replaced
from driver.histories.history import History
from driver.reference.task_history import TaskHistory, task_index
from wire.task_events import Assigned


def alter(history: History) -> Iterator[Altered]:
    """Swap the first assignments of the last two tasks of each priority."""
    tasks = history.view(task_index).tasks
    by_priority: dict[str, list[TaskHistory]] = {}
    for event in history.of(Assigned):
        task = tasks[event.task]
        if task.submitted is not None and task.assigned[0] is event:
            by_priority.setdefault(task.submitted.priority, []).append(task)
    for pair in (some[-2:] for some in by_priority.values() if len(some) > 1):
        one, other = pair[0].assigned[0], pair[1].assigned[0]
        swapped = [(one, replace(one, at_ns=other.at_ns)), (other, replace(other, at_ns=one.at_ns))]
        change = f"the assignments of {name_of(one.task)} and {name_of(other.task)} swapped"
        yield Altered(change, replaced(history, swapped))


CONTROL = Control(
    "assignments_swapped", "Two assignments of one priority are swapped.", alter, (Assigned,), rank=60
)
