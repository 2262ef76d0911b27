"""What the coordinator knows of one worker's session, and of one attempt. Plain records; the rules stand in
ledger.py and sessions.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

import msgspec

from coordinator.rows import TaskRow
from wire.channel import Channel
from wire.messages import Assign, Checkpoint

NEVER_NS: Final = 1 << 62
"""A monotonic time that does not come."""


class TaskPhase(Enum):
    """Where a task stands. What is decided and not durable yet is told to nobody: `storing`, `settling` (its
    attempt is over, and it will wait again), `ending` (it has its result).
    """

    storing = "storing"
    waiting = "waiting"
    assigned = "assigned"
    settling = "settling"
    ending = "ending"


class AttemptLoss(Enum):
    """Why an attempt ended without a result: (name, in words, whether it counts against the task)."""

    error = ("error", "error", True)
    lease = ("lease", "its lease ran out", True)
    process = ("process", "a new process of the same name", True)
    expired = ("expired", "its worker's session expired", True)
    reset = ("reset", "its worker's session was reset", False)
    newer = ("newer", "a newer attempt is held", False)
    goodbye = ("goodbye", "its worker said goodbye", False)
    missing = ("missing", "not in the worker's inventory", False)
    handed_back = ("handed_back", "handed back", False)

    def __init__(self, label: str, text: str, counts_as_failure: bool) -> None:
        self.label = label
        self.text = text
        self.counts_as_failure = counts_as_failure


class TaskState(msgspec.Struct, eq=False):
    """A task without a durable result. Attempts with tokens up to `fencing_token` are over: their messages
    are stale.
    """

    row: TaskRow
    phase: TaskPhase = TaskPhase.storing
    attempt: LeasedAttempt | None = None
    fencing_token: int = 0
    attempts_started: int = 0
    failures: int = 0
    reached_step: int = 0
    checkpoint: Checkpoint | None = None
    queued_ns: int = 0


class LeasedAttempt(msgspec.Struct, eq=False):
    """A task in a worker's hands until `deadline_ns`.

    `undelivered` is its assignment, until the worker confirms that it came. `step` is the progress that the
    worker reported, last grown at `progressed_ns`.
    """

    task: TaskState
    token: int
    session: Session
    deadline_ns: int
    undelivered: Assign | None = None
    step: int = 0
    progressed_ns: int = 0


def check_tasks(tasks: dict[str, TaskState], held: list[LeasedAttempt]) -> None:
    """Raise AssertionError where a task and the attempts that sessions hold disagree. O(tasks + attempts)."""
    tokens = {attempt.token for attempt in held}
    assert len(tokens) == len(held), "two sessions hold one attempt"
    for attempt in held:
        task = attempt.task
        name = task.row.task_id
        assert tasks.get(name) is task, f"{name} is held, and not in the books"
        assert task.attempt is attempt, f"{name} has two holders: tokens {attempt.token} and {task.attempt}"
        assert attempt.session.attempts.get(attempt.token) is attempt, f"{name} is in other hands"
        assert task.phase is TaskPhase.assigned, f"{name} is held, and {task.phase.value}"
        assert attempt.token > task.fencing_token, (
            f"{name}: the fencing_token {task.fencing_token} is beyond token {attempt.token}"
        )
        assert task.reached_step >= attempt.step, f"{name} reached step {attempt.step}, and more is forgotten"
    for name, task in tasks.items():
        assert (task.attempt is not None) == (task.phase is TaskPhase.assigned), (
            f"{name} is {task.phase.value}"
        )
        assert task.attempt is None or task.attempt.token in tokens, f"{name} is held by nobody"
        assert 0 <= task.failures <= task.attempts_started, (
            f"{name}: {task.failures} failures in {task.attempts_started} attempts"
        )


@dataclass(slots=True, eq=False)
class Session:
    """One worker's session. It outlives its connections: `connection` is the one that counts, None while
    lost. `present` is the last connection of which the disk knows.

    `last_end_ns` is when an attempt last came to its end at the worker. Where none does for too long, it is
    `stalled`: it is given nothing until one does. `unanswered` are the tokens of the attempts that were given
    up meanwhile, whose end it has not reported.

    A worker that is `leaving` said goodbye; one that is `draining` finishes what it has, and takes nothing
    new.
    """

    id: str
    worker: str
    incarnation: str
    channel: Channel
    capacity: int = 0
    connection: int | None = None
    durable_connection: int | None = None
    reported: bool = False
    has_left: bool = False
    draining: bool = False
    attempts: dict[int, LeasedAttempt] = field(default_factory=dict)
    interval_ms: int = 0
    last_seen_ns: int = 0
    last_end_ns: int = 0
    stalled: bool = False
    unanswered: set[int] = field(default_factory=set)
    lost_ns: int = 0
    due_ns: int = NEVER_NS
    rank: int = -1
    unknown_tokens: frozenset[int] = frozenset()

    @property
    def is_ready(self) -> bool:
        """Whether it may be given work: its inventory came on this connection, its presence is durable,
        it does not leave, and it works.
        """
        going = self.has_left or self.draining or self.stalled
        return self.reported and not going and self.connection == self.durable_connection
