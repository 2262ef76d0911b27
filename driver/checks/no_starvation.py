"""No priority is passed over for long while its tasks wait: counted in picks, at any speed."""

from __future__ import annotations

from dataclasses import dataclass, field

from driver.checks.check import Check, Param, Params
from driver.checks.finding import Finding, failed, passed, show, unknown
from driver.histories.history import COORDINATOR, History
from driver.metrics import Metrics
from wire.events import Assigned, AttemptAbandoned, TaskDone, TaskSubmitted

NAME = "no_starvation"


@dataclass
class _Lane:
    """One priority: how many of its tasks wait, how often it was passed over by now, and the worst so far."""

    waiting: int = 0
    passed_over: int = 0
    passing: list[Assigned] = field(default_factory=list)
    worst: int = 0
    worst_first: Assigned | None = None
    worst_last: Assigned | None = None


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Counts, for each priority, the assignments of others in a row while one of its own tasks waited."""
    lanes, contended = _walk(history)
    if not contended:
        return unknown(
            NAME, "tasks of two priorities never waited at the same time, so that none could starve"
        )
    name = max(lanes, key=lambda priority: lanes[priority].worst)
    worst, bound = lanes[name], params["picks"]
    numbers = {"measured": worst.worst, "threshold": bound, "margin": bound - worst.worst, "unit": "picks"}
    if worst.worst > bound:
        because = (
            f"{name} tasks waited while {worst.worst} others in a row were given out; {bound:g} are allowed"
        )
        told = [event for event in (worst.worst_first, worst.worst_last) if event]
        return failed(NAME, because, evidence=show(history, told), **numbers)
    because = (
        f"no priority was passed over more than {worst.worst} times in a row ({name}); {bound:g} are allowed"
    )
    return passed(NAME, because, **numbers)


def _walk(history: History) -> tuple[dict[str, _Lane], bool]:
    lanes: dict[str, _Lane] = {}
    priority: dict[str, str] = {}
    state: dict[str, str] = {}
    contended = False
    for event in history.merged(TaskSubmitted, TaskDone, AttemptAbandoned, Assigned):
        if isinstance(event, TaskSubmitted):
            priority[event.task] = event.priority
            _wait(lanes.setdefault(event.priority, _Lane()), state, event.task, waits=True)
        elif isinstance(event, TaskDone | AttemptAbandoned) and event.task in priority:
            again = isinstance(event, AttemptAbandoned) and state.get(event.task) != "done"
            _wait(lanes[priority[event.task]], state, event.task, waits=again)
            if isinstance(event, TaskDone):
                state[event.task] = "done"
        elif isinstance(event, Assigned) and event.task in priority:
            _wait(lanes[priority[event.task]], state, event.task, waits=False)
            contended |= _pick(lanes, priority[event.task], event)
    return lanes, contended


def _wait(lane: _Lane, state: dict[str, str], task: str, *, waits: bool) -> None:
    did = state.get(task) == "waits"
    lane.waiting += waits - did
    state[task] = "waits" if waits else "given"


def _pick(lanes: dict[str, _Lane], picked: str, event: Assigned) -> bool:
    contended = False
    for name, lane in lanes.items():
        if name == picked or not lane.waiting:
            lane.passed_over = 0
            continue
        contended = True
        lane.passed_over += 1
        if lane.passed_over == 1:
            lane.passing = [event]
        if lane.passed_over > lane.worst:
            lane.worst, lane.worst_first, lane.worst_last = lane.passed_over, lane.passing[0], event
    return contended


CHECK = Check(
    name=NAME,
    claims="No priority is passed over for long while its tasks wait.",
    judge=judge,
    takes_time=True,
    rests_on=(COORDINATOR,),
    params={
        "picks": Param(
            124, "assignments of others in a row, at most (four rounds of all weights: 4 × 31)", least=1
        )
    },
)
