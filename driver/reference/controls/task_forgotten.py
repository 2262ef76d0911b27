"""A task's submission is forgotten: its result is of a task that nobody asked for."""

from __future__ import annotations

from collections.abc import Iterator

from driver.controls.control import Altered, Control, growing, several
from driver.histories.history import History
from driver.reference.load_events import TasksAccepted
from wire.task_events import TaskSubmitted


def alter(history: History) -> Iterator[Altered]:
    """Take batches of submissions out of the journals of both sides, the last one first."""
    for some in growing([one for one in reversed(history.of(TasksAccepted)) if one.tasks]):
        names = {task for one in some for task in one.tasks}
        gone = [one for one in history.of(TaskSubmitted) if one.task in names]
        change = f"the submission of {several(some[0].tasks[0], len(names))} forgotten"
        yield Altered(change, history.altered([*some, *gone], []))


CONTROL = Control(
    "task_forgotten", "A task's submission is taken out.", alter, (TasksAccepted, TaskSubmitted), rank=47
)
