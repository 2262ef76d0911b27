"""In-memory records of sessions, tasks and attempts. The rules are in ledger.py, attempts.py and
session_manager.py. (Not compiled for simulations: msgspec builds some of the classes.)
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
    """The state of a task. In three of them a decision is not durable yet, so that no answer shows it:
    `storing`, `settling` (its attempt is over, and it will wait again), `ending` (it has its result).
    """

    storing = "storing"
    waiting = "waiting"
    assigned = "assigned"
    settling = "settling"
    ending = "ending"


class AttemptLoss(Enum):
    """Cause of an attempt's end without a result: (name, text, whether it counts as a failure of the
    task).
    """

    error = ("error", "error", True)
    lease = ("lease", "its lease ran out", True)
    process = ("process", "a new process of the same name", True)
    expired = ("expired", "its worker's session expired", True)
    reset = ("reset", "its worker's session was reset", False)
    newer = ("newer", "a newer attempt is held", False)
    goodbye = ("goodbye", "its worker sent a goodbye", False)
    missing = ("missing", "not in the worker's attempt report", False)
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
    """A task that a worker holds until `deadline_ns`.

    `undelivered` is its assignment, until the worker acknowledges it. `step` is the progress that the
    worker reported, last grown at `progressed_ns`.
    """

    task: TaskState
    token: int
    session: Session
    deadline_ns: int
    undelivered: Assign | None = None
    step: int = 0
    progressed_ns: int = 0


@dataclass(slots=True, eq=False)
class Session:
    """One worker's session. It outlives its connections: `connection` is the active one, None while lost;
    `durable_connection` is the last one whose presence is durable.

    `last_end_ns` is when an attempt last ended at the worker. Where none does for too long, the session is
    `stalled`, and is assigned nothing until one does.

    A worker with `has_left` sent its goodbye; a `draining` one finishes its attempts, and takes nothing new.
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
        """Whether tasks may be assigned: it sent its attempt report on this connection, its presence is
        durable, and it neither drains, left, nor stalls.
        """
        going = self.has_left or self.draining or self.stalled
        return self.reported and not going and self.connection == self.durable_connection
