"""Events of the reference system's tasks, and the kinds of events that each of its processes may write."""

from __future__ import annotations

from typing import Annotated

import msgspec

from wire.events import (
    BackoffStarted,
    Connected,
    ConnectFailed,
    Connecting,
    EitherEvent,
    Event,
    HandshakeRefused,
    ProbeStreamEnded,
    ReconnectAbandoned,
    RefusalsOmitted,
    WorkerGone,
    WorkerJoined,
    WorkerLost,
)
from wire.limits import Text


class AssignmentReceived(Event, tag="received", frozen=True):
    """An assignment arrived."""

    task: Text
    token: int
    attempt: int


class Started(Event, tag="started", frozen=True):
    """An attempt begins to run, after `from_step` steps that a checkpoint saved (0: from the beginning)."""

    task: Text
    token: int
    from_step: int = 0


class Finished(Event, tag="finished", frozen=True):
    """An attempt ran to its end. `error` is "" on success."""

    task: Text
    token: int
    error: Text
    took_ms: float


class ResultAcknowledged(Event, tag="result_acknowledged", frozen=True):
    """The coordinator has the result durably; the worker drops its copy."""

    task: Text
    token: int


class LeaseExpired(Event, tag="lease_expired", frozen=True):
    """The worker stopped an attempt whose lease ran out."""

    task: Text
    token: int


class Dropped(Event, tag="dropped", frozen=True):
    """The worker dropped an attempt that was revoked or handed back."""

    task: Text
    token: int
    reason: Text


class CheckpointCreated(Event, tag="checkpoint_created", frozen=True):
    """A checkpoint was written, and is queued for the coordinator."""

    task: Text
    token: int
    step: int
    size_bytes: int


class TaskSubmitted(Event, tag="submitted", frozen=True):
    """A task is durable."""

    task: Text
    priority: Text
    intended_ns: int


class Assigned(Event, tag="assigned", frozen=True):
    """An attempt is assigned to a worker, with the step of the checkpoint that goes with it (0: none)."""

    task: Text
    token: int
    worker: Text
    attempt: int
    from_step: int = 0


class AttemptAbandoned(Event, tag="attempt_lost", frozen=True):
    """An attempt is abandoned; its task waits again (or failed for good: see TaskDone)."""

    task: Text
    token: int
    worker: Text
    reason: Text


class TaskDone(Event, tag="task_done", frozen=True):
    """A task's one result is durable. `outcome` is completed or failed. This line alone counts as the
    result.
    """

    task: Text
    token: int
    worker: Text
    outcome: Text
    error: Text
    attempts: int
    started_ns: int = 0
    ended_ns: int = 0
    redone_steps: int = 0


class ResultRefused(Event, tag="result_refused", frozen=True):
    """A result that does not count: `duplicate`, `stale` (an older token), `unknown`."""

    task: Text
    token: int
    worker: Text
    because: Text


class CheckpointCommitted(Event, tag="checkpoint_committed", frozen=True):
    """A checkpoint is durable at the coordinator."""

    task: Text
    token: int
    worker: Text
    step: int
    size_bytes: int


class CheckpointRefused(Event, tag="checkpoint_refused", frozen=True):
    """A checkpoint that is not kept: stale, older than the newest, damaged, or full (no memory left
    for it).
    """

    task: Text
    token: int
    worker: Text
    because: Text


class Totals(Event, tag="totals", frozen=True):
    """Task counts and queue lengths, once a second while they change, and at the end."""

    submitted: int
    completed: int
    failed: int
    waiting: int
    assigned: int
    connected: int
    waiting_by_priority: Annotated[dict[Text, int], msgspec.Meta(max_length=100)]


WorkerEvent = (
    EitherEvent | BackoffStarted | Connecting | ConnectFailed | Connected | ReconnectAbandoned
    | AssignmentReceived | Started | Finished | ResultAcknowledged | LeaseExpired | Dropped
    | CheckpointCreated
)  # fmt: skip


CoordinatorEvent = (
    EitherEvent | WorkerJoined | WorkerLost | WorkerGone | HandshakeRefused | TaskSubmitted | Assigned
    | AttemptAbandoned | TaskDone | ResultRefused | CheckpointCommitted | CheckpointRefused | Totals
    | RefusalsOmitted | ProbeStreamEnded
)  # fmt: skip


ProcessEvent = WorkerEvent | CoordinatorEvent
