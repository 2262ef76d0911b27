"""No priority waits through many assignments of others, counted in assignments and not in seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

from driver.checks.check import Check, Param, Params
from driver.checks.finding import Finding, failed, passed, show, unknown
from driver.histories.history import SERVER, History
from driver.metrics import Metrics
from wire.task_events import Assigned, AttemptAbandoned, TaskDone, TaskSubmitted

NAME = "no_starvation"


@dataclass
class _PriorityQueue:
    """One priority: its waiting tasks, the others' assignments in a row since, and the longest such row."""

    waiting: int = 0
    passed_over: int = 0
    passing: list[Assigned] = field(default_factory=list)
    worst: int = 0
    worst_first: Assigned | None = None
    worst_last: Assigned | None = None


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Count, for each priority, the assignments of others in a row while one of its own tasks waits."""
    queues, contended = _walk(history)
    if not contended:
        return unknown(NAME, "tasks of two priorities never waited at the same time, so none could starve")
    name = max(queues, key=lambda priority: queues[priority].worst)
    worst, bound = queues[name], params["picks"]
    numbers = {"measured": worst.worst, "threshold": bound, "margin": bound - worst.worst, "unit": "picks"}
    if worst.worst > bound:
        because = (
            f"{name} tasks waited while {worst.worst} others in a row were assigned; {bound:g} are allowed"
        )
        events = [event for event in (worst.worst_first, worst.worst_last) if event]
        return failed(NAME, because, evidence=show(history, events), **numbers)
    because = (
        f"no priority was passed over more than {worst.worst} times in a row ({name}); {bound:g} are allowed"
    )
    return passed(NAME, because, **numbers)


def _walk(history: History) -> tuple[dict[str, _PriorityQueue], bool]:
    queues: dict[str, _PriorityQueue] = {}
    priority: dict[str, str] = {}
    state: dict[str, str] = {}
    contended = False
    for event in history.merged(TaskSubmitted, TaskDone, AttemptAbandoned, Assigned):
        if isinstance(event, TaskSubmitted):
            priority[event.task] = event.priority
            _wait(queues.setdefault(event.priority, _PriorityQueue()), state, event.task, waits=True)
        elif isinstance(event, TaskDone | AttemptAbandoned) and event.task in priority:
            again = isinstance(event, AttemptAbandoned) and state.get(event.task) != "done"
            _wait(queues[priority[event.task]], state, event.task, waits=again)
            if isinstance(event, TaskDone):
                state[event.task] = "done"
        elif isinstance(event, Assigned) and event.task in priority:
            _wait(queues[priority[event.task]], state, event.task, waits=False)
            contended |= _pick(queues, priority[event.task], event)
    return queues, contended


def _wait(queue: _PriorityQueue, state: dict[str, str], task: str, *, waits: bool) -> None:
    did = state.get(task) == "waits"
    queue.waiting += waits - did
    state[task] = "waits" if waits else "given"


def _pick(queues: dict[str, _PriorityQueue], picked: str, event: Assigned) -> bool:
    contended = False
    for name, queue in queues.items():
        if name == picked or not queue.waiting:
            queue.passed_over = 0
            continue
        contended = True
        queue.passed_over += 1
        if queue.passed_over == 1:
            queue.passing = [event]
        if queue.passed_over > queue.worst:
            queue.worst, queue.worst_first, queue.worst_last = queue.passed_over, queue.passing[0], event
    return contended


CHECK = Check(
    name=NAME,
    rank=170,
    claim="No priority waits through more assignments of others in a row than allowed.",
    judge=judge,
    broken_by=("assignment_late",),
    time_sensitive=True,
    requires=(SERVER,),
    params={
        "picks": Param(
            124, "assignments of others in a row, at most (four rounds of all weights: 4 × 31)", least=1
        )
    },
)
