"""Rows on disk: what the core writes, and what the store returns after a restart.

The store writes rows in order, a batch in one transaction, so that after a crash the disk holds a
prefix of them.

Rows about tasks are arrays on the disk, so a field may only be added at the end, with a default.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from wire.messages import Checkpoint
from wire.priority import Priority


class TaskRow(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A task as it was submitted. `number` counts tasks in order of submission."""

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

    `attempts_started` counts all attempts so far, `failures` those that count as failed. Once `open`
    is false, `token` and all older tokens are stale.
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
    """A new session."""

    session: str
    worker: str
    incarnation: str


class ReceivedRow(msgspec.Struct, frozen=True, gc=False):
    """The last contiguous sequence of a session whose effects are durable with this row."""

    session: str
    sequence: int


class PresenceRow(msgspec.Struct, frozen=True, gc=False):
    """A connection becomes its session's active one, or ends. Only a session whose presence is durable is
    assigned tasks: so after a restart it is known which workers may hold an attempt that the disk lacks.
    """

    session: str
    connection: int
    connected: bool


class ReleaseRow(msgspec.Struct, frozen=True, gc=False):
    """From here on, tasks of the lives before `epoch` are assigned again: an attempt of those lives that the
    disk lacks does not count any more, even when the coordinator loses its memory of the new one.
    """

    epoch: int


class JournalSizeRow(msgspec.Struct, frozen=True, gc=False):
    """The first `size_bytes` of the journal hold the events of all rows of earlier transactions."""

    size_bytes: int


class SessionEndRow(msgspec.Struct, frozen=True, gc=False):
    """A session that cannot be resumed any more."""

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
"""Rows that have one journal event each, written once they are durable."""


class StoredSession(msgspec.Struct, frozen=True):
    """A session that may be resumed, and its durable state. `connected` is false only where its last
    connection is known to have ended.
    """

    session: str
    worker: str
    incarnation: str
    received: int
    connected: bool = True


class Recovered(msgspec.Struct, frozen=True):
    """The content of a store when it was opened. `epoch` is new, and durable already.

    `tasks` are those without a result, by number; `attempts` and `checkpoints` are theirs. `done`
    maps each finished task to its number. `recent` are rows of the last transactions, whose journal
    lines a crash may have lost; the events of all earlier rows are in the first `journal_bytes` of
    the journal. `released` is the last ReleaseRow's epoch. `secret` was drawn when the store was
    made; no message holds it.
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
    """A durable store of rows. A simulation has one in memory that can crash before and after each commit."""

    def load(self) -> Recovered:
        """Begin a new epoch, durably, and return the stored state."""
        ...

    def commit(self, rows: list[Row]) -> None:
        """Write all of `rows`, or none when it raises; once it returns, they survive a crash."""
        ...

    def results_of(self, numbers: Sequence[int]) -> list[ResultRow]:
        """Return the durable results of the tasks with these numbers, of those that have one."""
        ...
