"""Within one priority tasks are assigned in the order of their submission."""

from __future__ import annotations

from driver.checks.check import Check, Params
from driver.checks.finding import Finding, passed, show, unknown, violated
from driver.histories.history import SERVER, History
from driver.metrics import Metrics
from driver.reference.task_history import TaskHistory, task_index
from wire.events import Event
from wire.task_events import Assigned, TaskSubmitted

NAME = "order_within_priority"


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Compare first assignments alone: after a lost attempt a task returns to its old place."""
    tasks = history.view(task_index).tasks
    latest: dict[str, tuple[int, TaskHistory]] = {}
    place: dict[str, int] = {event.task: index for index, event in enumerate(history.of(TaskSubmitted))}
    overtaken: list[tuple[TaskHistory, TaskHistory]] = []
    compared = 0
    for event in history.of(Assigned):
        task = tasks[event.task]
        if task.submitted is None or task.assigned[0] is not event:
            continue
        priority = task.submitted.priority
        newest = latest.get(priority)
        compared += newest is not None
        if newest is not None and place[event.task] < newest[0]:
            overtaken.append((newest[1], task))
        else:
            latest[priority] = (place[event.task], task)
    if not compared:
        return unknown(NAME, "in no priority were two tasks assigned")
    if overtaken:
        early, late = overtaken[0]
        because = f"{len(overtaken)} tasks were overtaken within their priority: {late.task} by {early.task}"
        events: list[Event] = [event for event in (late.submitted, early.submitted) if event]
        events += [early.assigned[0], late.assigned[0]]
        return violated(NAME, because, len(overtaken), show(history, events))
    because = f"{compared} tasks were each assigned after those of their priority that were submitted earlier"
    return passed(NAME, because, measured=0, threshold=0, margin=0)


CHECK = Check(
    name=NAME,
    rank=160,
    claim="Within one priority tasks are assigned in the order of their submission.",
    judge=judge,
    broken_by=("assignments_swapped",),
    requires=(SERVER,),
)
