"""Within one priority tasks are given out in the order in which they came."""

from __future__ import annotations

from driver.checks.check import Check, Params
from driver.checks.finding import Finding, failed, passed, show, unknown
from driver.histories.history import COORDINATOR, History
from driver.histories.task_history import TaskHistory, task_index
from driver.metrics import Metrics
from wire.events import Assigned, Event, TaskSubmitted

NAME = "order_within_priority"


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Looks at first assignments alone: a task that waits again after a lost attempt has its old place."""
    lives = history.view(task_index).tasks
    latest: dict[str, tuple[int, TaskHistory]] = {}
    place: dict[str, int] = {event.task: index for index, event in enumerate(history.of(TaskSubmitted))}
    overtaken: list[tuple[TaskHistory, TaskHistory]] = []
    compared = 0
    for event in history.of(Assigned):
        life = lives[event.task]
        if life.submitted is None or life.assigned[0] is not event:
            continue
        priority = life.submitted.priority
        newest = latest.get(priority)
        compared += newest is not None
        if newest is not None and place[event.task] < newest[0]:
            overtaken.append((newest[1], life))
        else:
            latest[priority] = (place[event.task], life)
    if not compared:
        return unknown(NAME, "in no priority were two tasks given out")
    if overtaken:
        early, late = overtaken[0]
        because = f"{len(overtaken)} tasks were overtaken within their priority: {late.task} by {early.task}"
        told: list[Event] = [event for event in (late.submitted, early.submitted) if event]
        told += [early.assigned[0], late.assigned[0]]
        return failed(
            NAME,
            because,
            measured=len(overtaken),
            threshold=0,
            margin=-len(overtaken),
            evidence=show(history, told),
        )
    because = f"{compared} tasks were each given out after those of their priority that came earlier"
    return passed(NAME, because, measured=0, threshold=0, margin=0)


CHECK = Check(
    name=NAME,
    claims="Within one priority tasks are given out in the order they came.",
    judge=judge,
    rests_on=(COORDINATOR,),
)
