"""Work that a run's system was given and did: tasks of the reference system. Pure.

Whatever measures how well a system works while it is disturbed reads it from here, and needs no event of a
single system.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from driver.histories.history import DRIVER, History
from driver.reference.load_events import SubmitGivenUp, TasksAccepted
from driver.reference.task_history import TaskHistory, task_index
from wire.events import Event
from wire.task_events import AssignmentReceived, ResultAcknowledged, TaskDone, TaskSubmitted, Totals

REQUESTED: tuple[type[Event], ...] = (TasksAccepted, TaskSubmitted)
"""Events that record a request for work."""
CARRIED: tuple[type[Event], ...] = (AssignmentReceived, ResultAcknowledged)
"""A client's events that show that its connection carries work."""
GAUGES: tuple[type[Event], ...] = (Totals,)
"""Events that record how much work waits."""
NAMED_CLOCKS: Mapping[type[Event], tuple[frozenset[str], Callable[[Any], str]]] = {
    # A worker measures when an attempt ran; the driver says when a task was due.
    TaskDone: (frozenset({"started_ns", "ended_ns"}), lambda event: str(event.worker)),
    TaskSubmitted: (frozenset({"intended_ns"}), lambda event: DRIVER),
}
"""Fields of events that are instants of another clock than that of the process that wrote them, and whose."""
NOUN = "task"
"""What a unit of work is called in sentences."""


@dataclass(frozen=True)
class WorkUnit:
    """One unit that must have one result. `done_ns` is None while it has none; `completed`: it was a success.

    Times are monotonic nanoseconds; `start_ns` is the begin of its latency, 0 where no event gives one.
    """

    name: str
    start_ns: int
    done_ns: int | None
    completed: bool
    events: tuple[Event, ...]


@dataclass(frozen=True)
class RequestDelay:
    """A request for work: when it was due, and when the driver had it ready, which is never earlier."""

    due_ns: int
    ready_ns: int


def work_units(history: History) -> list[WorkUnit]:
    """Return all units that were accepted."""
    return [_unit(task) for task in history.view(task_index).accepted]


def completed_ns(history: History) -> list[int]:
    """Return the instants at which units were completed, sorted."""
    return sorted(
        unit.done_ns for unit in history.view(work_units) if unit.completed and unit.done_ns is not None
    )


def waiting(history: History) -> list[tuple[int, int]]:
    """Return [(at_ns, number of units that wait), …], in order of time."""
    return [(event.at_ns, event.waiting) for event in history.of(Totals)]


def request_delays(history: History) -> Iterator[RequestDelay]:
    """Return the delay of each request; of requests that were all in time, one for each batch."""
    for accepted in history.of(TasksAccepted):
        if accepted.intended_ns and not accepted.noticed_ns:
            yield RequestDelay(accepted.intended_ns[0], accepted.intended_ns[0])
        for intended_ns, noticed_ns in zip(accepted.intended_ns, accepted.noticed_ns, strict=False):
            yield RequestDelay(intended_ns, max(intended_ns, noticed_ns))


def delayed_requests(history: History, late_ns: int) -> Iterator[tuple[str, Event, Event]]:
    """Return the first request's name, its event, and that event with the driver ready `late_ns` late."""
    for accepted in [one for one in history.of(TasksAccepted) if one.tasks and one.intended_ns][:1]:
        noticed_ns = [one + late_ns for one in accepted.intended_ns]
        yield accepted.tasks[0], accepted, replace(accepted, noticed_ns=noticed_ns)


def unanswered(history: History) -> tuple[int, list[Event]]:
    """Return the number of requests of the first give-up without an answer, and its event; 0 without one."""
    for given_up in history.of(SubmitGivenUp)[:1]:
        return len(given_up.tasks), [given_up]
    return 0, []


def _unit(task: TaskHistory) -> WorkUnit:
    result = task.result
    shown = (task.submitted, *task.assigned[:1], *task.lost[-1:], result)
    return WorkUnit(
        task.task,
        task.start_ns,
        result.at_ns if result else None,
        result is not None and result.outcome == "completed",
        tuple(event for event in shown if event is not None),
    )
