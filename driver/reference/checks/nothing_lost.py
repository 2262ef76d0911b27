"""Every accepted task has a result."""

from __future__ import annotations

from driver.checks.check import Check, Params, of_any_load
from driver.checks.finding import Finding, passed, show, unknown, violated
from driver.histories.history import DRIVER, SERVER, History
from driver.histories.run_timeline import run_timeline
from driver.metrics import Metrics
from driver.reference.task_history import TaskHistory, task_index
from wire.events import Event

NAME = "nothing_lost"


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Lost = accepted − results. Without a drain that ended, a task without a result may be in progress."""
    accepted = history.view(task_index).accepted
    if not accepted:
        return unknown(NAME, "no task was submitted")
    missing = [task for task in accepted if task.result is None]
    if not missing:
        return passed(NAME, f"all {len(accepted)} tasks have a result", measured=0, threshold=0, margin=0)
    because = f"{len(missing)} of {len(accepted)} tasks have no result: {missing[0].task}"
    evidence = show(history, _events(missing[0], history.view(run_timeline).end_ns))
    drain = history.view(run_timeline).phases.get("drain")
    if drain is None or drain.ended_ns is None or drain.outcome == "stopped":
        because += ", but the run was not drained: they may be in progress"
        return unknown(NAME, because, measured=len(missing), threshold=0, evidence=evidence)
    return violated(NAME, because + _latest(missing[0], drain.ended_ns), len(missing), evidence)


def _events(task: TaskHistory, end_ns: int) -> list[Event]:
    submitted: list[Event] = [event for event in (task.submitted or task.accepted,) if event]
    assigned = [event for event in task.assigned if event.at_ns <= end_ns]
    lost = [event for event in task.lost if event.at_ns <= end_ns]
    return sorted([*submitted, *assigned[-2:], *lost[-2:]], key=lambda event: event.at_ns)


def _latest(task: TaskHistory, end_ns: int) -> str:
    """Return the task's state at the drain's end, as a clause."""
    assigned = [event for event in task.assigned if event.at_ns <= end_ns]
    if assigned and assigned[-1].token not in {event.token for event in task.lost if event.at_ns <= end_ns}:
        return f", last assigned to {assigned[-1].worker}, which still had it at the drain's end"
    return (
        ", still waiting at the drain's end" if task.submitted else ", and the coordinator never recorded it"
    )


CHECK = Check(
    name=NAME,
    rank=50,
    claim="Every task that was submitted has a result.",
    judge=judge,
    broken_by=("result_forgotten",),
    always=True,
    decided=of_any_load,
    requires=(SERVER, DRIVER),
)
