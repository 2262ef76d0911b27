"""What is kept on disk: the rows that the core asks a store to write, and what a store gives back after a
restart.

A store writes rows in the order in which they were asked for, a batch of them in one transaction, so that
after a crash the disk holds a prefix of what was asked.

Rows about tasks are arrays on the disk, so a field may only be added at the end, with a default.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from wire.messages import Checkpoint
from wire.priority import Priority


class TaskRow(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A task as it was submitted. `number` counts tasks in the order of their coming."""

    number: int
    task_id: str
    kind: str
    params: bytes
    priority: Priority
    intended_ns: int
    timeout_ms: int
    max_attempts: int
    retry_errors: bool


class AttemptRow(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The newest attempt of a task; a later row of the same task replaces it.

    `given` attempts there were so far, `failures` of them ended badly. Once `open` is false, `token` and all
    older are fenced off.
    """

    number: int
    task_id: str
    token: int
    session: str
    attempts_started: int
    failures: int
    open: bool
    reached_step: int


class ResultRow(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The one result of a task. `outcome` is completed or failed; times are the worker's monotonic
    nanoseconds.
    """

    number: int
    task_id: str
    token: int
    worker: str
    outcome: str
    error: str
    output: bytes
    attempts: int
    started_ns: int
    ended_ns: int
    redone_steps: int


class CheckpointRow(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The newest checkpoint of a task; a later row of the same task replaces it."""

    number: int
    task_id: str
    token: int
    worker: str
    checkpoint: Checkpoint


class SessionRow(msgspec.Struct, frozen=True, gc=False):
    """A session that began."""

    session: str
    worker: str
    incarnation: str


class ReceivedRow(msgspec.Struct, frozen=True, gc=False):
    """The last contiguous sequence of a session whose effects are durable with this row."""

    session: str
    sequence: int


class PresenceRow(msgspec.Struct, frozen=True, gc=False):
    """A connection speaks for the session from here on, or none does. Only a session whose presence is
    durable is given work: so a restarted coordinator knows who may hold an attempt of which it does not.
    """

    session: str
    connection: int
    connected: bool


class ReleaseRow(msgspec.Struct, frozen=True, gc=False):
    """From here on, tasks of the lives before `epoch` are given anew: an attempt of those lives of which the
    disk knows nothing counts no more, not even when the coordinator forgets whom it gave the task to.
    """

    epoch: int


class JournalSizeRow(msgspec.Struct, frozen=True, gc=False):
    """What rows of earlier transactions gave to tell stands in the first `size_bytes` of the journal."""

    size_bytes: int


class SessionEndRow(msgspec.Struct, frozen=True, gc=False):
    """A session that nobody can resume any more."""

    session: str


Row = (
    TaskRow
    | AttemptRow
    | ResultRow
    | CheckpointRow
    | SessionRow
    | ReceivedRow
    | PresenceRow
    | ReleaseRow
    | JournalSizeRow
    | SessionEndRow
)
RowWithEvent = TaskRow | ResultRow | CheckpointRow
"""Rows for each of which the journal gets one line, once they are durable."""


class StoredSession(msgspec.Struct, frozen=True):
    """A session that may be resumed, and what of it is durable. `connected` unless it is known that no
    connection spoke for it at the end.
    """

    session: str
    worker: str
    incarnation: str
    received: int
    connected: bool = True


class Recovered(msgspec.Struct, frozen=True):
    """All that a store held when it was opened. `epoch` is new, and durable already.

    `tasks` are those without a result, by number; `attempts` and `checkpoints` are theirs. `done` gives the
    number of each finished task. `recent` are rows of the last transactions, whose journal lines a
    crash may have swallowed; of what came before, all stands in the first `journal_bytes` of the journal.
    `released` is the last ReleaseRow's epoch. `secret` was drawn when the store was made; no message
    holds it.
    """

    epoch: int
    secret: bytes
    tasks: list[TaskRow] = []
    attempts: dict[str, AttemptRow] = {}
    checkpoints: dict[str, Checkpoint] = {}
    done: dict[str, int] = {}
    sessions: list[StoredSession] = []
    next_number: int = 1
    completed: int = 0
    failed: int = 0
    recent: Sequence[RowWithEvent] = []
    journal_bytes: int = 0
    released: int = 0


class RowStore(Protocol):
    """Where rows are kept. A simulation has one in memory that can crash before and after each commit."""

    def load(self) -> Recovered:
        """Begin a new epoch, durably, and return what is kept."""
        ...

    def commit(self, rows: list[Row]) -> None:
        """Write all of `rows`, or none when it raises; what it wrote survives a crash once it returned."""
        ...

    def results_of(self, numbers: Sequence[int]) -> list[ResultRow]:
        """The durable results of the tasks with these numbers, of those that have one."""
        ...
