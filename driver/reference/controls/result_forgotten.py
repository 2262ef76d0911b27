"""A task's result is forgotten: lost."""

from __future__ import annotations

from collections.abc import Iterator

from driver.controls.control import Altered, Control, growing, several
from driver.histories.history import History
from driver.reference.task_history import TaskHistory, task_index
from wire.task_events import TaskDone


def alter(history: History) -> Iterator[Altered]:
    """Take the results of tasks out, the newest first."""
    done = [task for task in history.view(task_index).accepted if task.result is not None]
    for some in growing(sorted(done, key=_recorded_ns, reverse=True)):
        names = {task.task for task in some}
        gone = [event for event in history.of(TaskDone) if event.task in names]
        yield Altered(
            f"the result of {several(some[0].task, len(some))} forgotten", history.altered(gone, [])
        )


def _recorded_ns(task: TaskHistory) -> int:
    return task.result.at_ns if task.result else 0


CONTROL = Control("result_forgotten", "A task's result is taken out.", alter, (TaskDone,), rank=10)
