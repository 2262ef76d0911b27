"""Task history: submission, assignments and results of every task, by the events about it."""

from __future__ import annotations

from dataclasses import dataclass, field

from driver.histories.history import SERVER, History
from driver.reference.load_events import SubmitGivenUp, TasksAccepted, TasksRefused
from wire.events import ProcessStarted
from wire.task_events import Assigned, AttemptAbandoned, TaskDone, TaskSubmitted


@dataclass(slots=True)
class TaskHistory:
    """One task. Times are monotonic nanoseconds, 0 where no event gives one.

    `noticed_ns` is when a late driver had the task ready. `done` holds each recorded result; a result that a
    restarted coordinator records again counts once. `recorded_ns` is when the last result was recorded.
    """

    task: str
    submitted: TaskSubmitted | None = None
    accepted: TasksAccepted | None = None
    intended_ns: int = 0
    noticed_ns: int = 0
    assigned: list[Assigned] = field(default_factory=list)
    lost: list[AttemptAbandoned] = field(default_factory=list)
    done: list[TaskDone] = field(default_factory=list)
    recorded_ns: int = 0

    @property
    def start_ns(self) -> int:
        """The begin of its latency: the intended start, or when a late driver had the task ready.

        It is never the submission: a stall of the coordinator would hide its own latency.
        """
        return max(self.intended_ns, self.noticed_ns)

    @property
    def was_accepted(self) -> bool:
        """Whether the coordinator recorded the task, or answered that it holds it."""
        return self.submitted is not None or self.accepted is not None

    @property
    def result(self) -> TaskDone | None:
        """The first recorded result; None while there is none."""
        return self.done[0] if self.done else None


@dataclass(frozen=True)
class TaskIndex:
    """All tasks by id. `refused` counts tasks that were refused; `unanswered` may or may not be accepted."""

    tasks: dict[str, TaskHistory]
    refused: int
    unanswered: frozenset[str]

    @property
    def accepted(self) -> list[TaskHistory]:
        """The tasks that must have exactly one result."""
        return [task for task in self.tasks.values() if task.was_accepted]


def task_index(history: History) -> TaskIndex:
    """Return every task that a history mentions."""
    tasks: dict[str, TaskHistory] = {}

    def entry(task: str) -> TaskHistory:
        if (found := tasks.get(task)) is None:
            found = tasks[task] = TaskHistory(task)
        return found

    for submitted in history.of(TaskSubmitted):
        found = entry(submitted.task)
        found.submitted = found.submitted or submitted
        found.intended_ns = submitted.intended_ns
    for accepted in history.of(TasksAccepted):
        for task, intended_ns in zip(accepted.tasks, accepted.intended_ns, strict=False):
            found = entry(task)
            found.accepted = found.accepted or accepted
            found.intended_ns = intended_ns
        for task, noticed_ns in zip(accepted.tasks, accepted.noticed_ns, strict=False):
            entry(task).noticed_ns = noticed_ns
    for assigned in history.of(Assigned):
        entry(assigned.task).assigned.append(assigned)
    for lost in history.of(AttemptAbandoned):
        entry(lost.task).lost.append(lost)
    starts_ns = [event.at_ns for event in history.of(ProcessStarted) if event.by == SERVER]
    for done in history.of(TaskDone):
        _add_result(entry(done.task), done, starts_ns)
    unanswered = frozenset(task for event in history.of(SubmitGivenUp) for task in event.tasks)
    refused = sum(len(event.tasks) for event in history.of(TasksRefused))
    return TaskIndex(tasks, refused, unanswered)


def _add_result(task: TaskHistory, done: TaskDone, starts_ns: list[int]) -> None:
    before_ns, task.recorded_ns = task.recorded_ns, done.at_ns
    same = any((other.token, other.outcome) == (done.token, done.outcome) for other in task.done)
    # After each restart the coordinator may record a result once more, since it cannot read whether it did so
    # before: that is one result, not two.
    if same and any(before_ns < start_ns <= done.at_ns for start_ns in starts_ns):
        return
    task.done.append(done)
