"""Every task that was promised has a result."""

from __future__ import annotations

from driver.checks.check import Check, Params
from driver.checks.finding import Finding, failed, passed, show, unknown
from driver.histories.history import COORDINATOR, DRIVER, History
from driver.histories.run_timeline import run_timeline
from driver.histories.task_history import TaskHistory, task_index
from driver.metrics import Metrics
from wire.events import Event

NAME = "nothing_lost"


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Lost = promised − results. Without a drain that ended, what has no result yet may only be under way."""
    promised = history.view(task_index).accepted
    if not promised:
        return unknown(NAME, "no task was submitted")
    missing = [life for life in promised if life.result is None]
    if not missing:
        return passed(NAME, f"all {len(promised)} tasks have a result", measured=0, threshold=0, margin=0)
    because = f"{len(missing)} of {len(promised)} tasks have no result: {missing[0].task}"
    evidence = show(history, _told(missing[0], history.view(run_timeline).end_ns))
    drain = history.view(run_timeline).phases.get("drain")
    if drain is None or drain.ended_ns is None or drain.outcome == "stopped":
        because += ", but the run was not drained: they may be under way"
        return unknown(NAME, because, measured=len(missing), threshold=0, evidence=evidence)
    return failed(
        NAME,
        because + _latest(missing[0], drain.ended_ns),
        measured=len(missing),
        threshold=0,
        margin=-len(missing),
        evidence=evidence,
    )


def _told(life: TaskHistory, end_ns: int) -> list[Event]:
    told: list[Event] = [event for event in (life.submitted or life.accepted,) if event]
    assigned = [event for event in life.assigned if event.at_ns <= end_ns]
    lost = [event for event in life.lost if event.at_ns <= end_ns]
    return sorted([*told, *assigned[-2:], *lost[-2:]], key=lambda event: event.at_ns)


def _latest(life: TaskHistory, end_ns: int) -> str:
    """What became of the task until the drain was over: what the lab's own teardown does to it is no news."""
    given = [event for event in life.assigned if event.at_ns <= end_ns]
    if given and given[-1].token not in {event.token for event in life.lost if event.at_ns <= end_ns}:
        return f", last given to {given[-1].worker}, which had it still when the drain was over"
    return (
        ", waiting still when the drain was over"
        if life.submitted
        else ", and the coordinator never wrote it down"
    )


CHECK = Check(
    name=NAME,
    claims="Every task that was submitted came to an end.",
    judge=judge,
    always=True,
    rests_on=(COORDINATOR, DRIVER),
)
