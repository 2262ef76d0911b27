"""What became of every task: the coordinator's lines, and what the driver was told, gathered by task."""

from __future__ import annotations

from dataclasses import dataclass, field

from driver.histories.events import SubmitGivenUp, TasksAccepted, TasksRefused
from driver.histories.history import COORDINATOR, History
from wire.events import Assigned, AttemptLost, ProcessStarted, Submitted, TaskDone


@dataclass(slots=True)
class TaskLife:
    """One task.

    `noticed_ns` is when the driver had it ready to be sent, where that was late. `done` holds every line that
    counted a result; a result told again after a restart stands once. `told_ns`
    is when it was told last.
    """

    task: str
    submitted: Submitted | None = None
    accepted: TasksAccepted | None = None
    intended_ns: int = 0
    noticed_ns: int = 0
    assigned: list[Assigned] = field(default_factory=list)
    lost: list[AttemptLost] = field(default_factory=list)
    done: list[TaskDone] = field(default_factory=list)
    told_ns: int = 0

    @property
    def start_ns(self) -> int:
        """From when its latency counts: the intended start, or when a driver that was late had it ready.

        Never from when the coordinator took it: a stall of the system hides nothing.
        """
        return max(self.intended_ns, self.noticed_ns)

    @property
    def promised(self) -> bool:
        """Whether the coordinator ever said that it holds the task."""
        return self.submitted is not None or self.accepted is not None

    @property
    def result(self) -> TaskDone | None:
        """The result that counted first."""
        return self.done[0] if self.done else None


@dataclass(frozen=True)
class TaskBook:
    """All tasks by id; `refused` were never taken, `unanswered` may or may not be held."""

    lives: dict[str, TaskLife]
    refused: int
    unanswered: frozenset[str]

    @property
    def promised(self) -> list[TaskLife]:
        """The tasks that must come to exactly one end."""
        return [life for life in self.lives.values() if life.promised]


def task_book(history: History) -> TaskBook:
    """What became of every task that a history speaks of."""
    lives: dict[str, TaskLife] = {}

    def life(task: str) -> TaskLife:
        if (found := lives.get(task)) is None:
            found = lives[task] = TaskLife(task)
        return found

    for submitted in history.of(Submitted):
        found = life(submitted.task)
        found.submitted = found.submitted or submitted
        found.intended_ns = submitted.intended_ns
    for accepted in history.of(TasksAccepted):
        for task, intended_ns in zip(accepted.tasks, accepted.intended_ns, strict=False):
            found = life(task)
            found.accepted = found.accepted or accepted
            found.intended_ns = intended_ns
        for task, noticed_ns in zip(accepted.tasks, accepted.noticed_ns, strict=False):
            life(task).noticed_ns = noticed_ns
    for assigned in history.of(Assigned):
        life(assigned.task).assigned.append(assigned)
    for lost in history.of(AttemptLost):
        life(lost.task).lost.append(lost)
    starts_ns = [event.at_ns for event in history.of(ProcessStarted) if event.by == COORDINATOR]
    for done in history.of(TaskDone):
        _count(life(done.task), done, starts_ns)
    unanswered = frozenset(task for event in history.of(SubmitGivenUp) for task in event.tasks)
    refused = sum(len(event.tasks) for event in history.of(TasksRefused))
    return TaskBook(lives, refused, unanswered)


def _count(life: TaskLife, done: TaskDone, starts_ns: list[int]) -> None:
    before_ns, life.told_ns = life.told_ns, done.at_ns
    same = any((other.token, other.outcome) == (done.token, done.outcome) for other in life.done)
    # A restarted coordinator may tell again what it cannot know to have told, once in each of its lives: that
    # is one result, not two.
    if same and any(before_ns < start_ns <= done.at_ns for start_ns in starts_ns):
        return
    life.done.append(done)
