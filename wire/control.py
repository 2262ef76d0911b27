"""Requests and answers of the coordinator's control API (JSON over HTTP, never over a link under test).

    GET  /healthz    200 while tasks are accepted        CoordinatorHealth
    POST /tasks      Submission → SubmissionReply, once the tasks are durable; a task_id is accepted once
                     ?wait_ms=N: … or later, once all have results; after N ms with the results so far.
                     The same request again continues the wait
    GET  /tasks      the same over a WebSocket: each message a Submission, each answer its SubmissionReply
    GET  /state      CoordinatorState
    POST /drain      begin to drain (as SIGTERM does)
    GET  /metrics    Prometheus text

Every call but GET /healthz and /metrics, which change nothing and reveal no task, needs the lab's control
token (`authorization`). None is answered under a foreign Host, nor with an Origin.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from wire.limits import BULK_BYTES, ErrorText, Label, Name
from wire.priority import Priority

CONTROL_PORT = 8766
CONTROL_HOST_NAME = "coordinator"
"""The coordinator's name on the control network; Prometheus uses it."""
OPEN_PATHS = ("/healthz", "/metrics")
"""Paths whose GET needs no token."""
WAIT_MAX_MS = 60_000
"""The longest wait of a submission for its results."""
TASKS_MAX = 10_000
"""Tasks of one submission."""
TYPED_CHARS = 1_000
"""A longer task id or kind does not fit an answer: the whole submission is refused."""
ANSWER_BYTES = 16 * 1024 * 1024
"""Limit of all outputs in one answer. Results beyond it are left out; the same request again returns the
rest.
"""
WORKERS_MAX = 50_000

Typed = Annotated[str, msgspec.Meta(max_length=TYPED_CHARS)]
Whole = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
Tally = Annotated[dict[Label, int], msgspec.Meta(max_length=1_000)]


def authorization(token: str) -> dict[str, str]:
    """Return the header that carries the control token (RFC 6750, section 2.1)."""
    return {"Authorization": f"Bearer {token}"}


class TaskSpec(msgspec.Struct, kw_only=True, frozen=True):
    """One task to run. `params` is JSON for the kind. `intended_ns` (monotonic) is the intended start, from
    which latency counts. `max_attempts` 0 takes the coordinator's setting; with `retry_errors` false, an
    error that the task itself reports is final.
    """

    task_id: Typed
    kind: Typed
    params: msgspec.Raw = msgspec.Raw(b"{}")
    priority: Typed = Priority.normal.name
    intended_ns: Whole = 0
    timeout_ms: Whole = 60_000
    max_attempts: Whole = 0
    retry_errors: bool = False


class Submission(msgspec.Struct, frozen=True):
    """Tasks to accept; all of them are durable when the answer comes, or none is."""

    tasks: Annotated[list[TaskSpec], msgspec.Meta(max_length=TASKS_MAX)]


class RefusedTask(msgspec.Struct, frozen=True):
    """A task that was not accepted, and the reason."""

    task_id: Typed
    because: Annotated[str, msgspec.Meta(max_length=4 * TYPED_CHARS)]


class TaskResult(msgspec.Struct, frozen=True):
    """The one result of a task, durable. `outcome` is completed or failed, `output` JSON text."""

    task_id: Name
    outcome: Label
    output: Annotated[str, msgspec.Meta(max_length=BULK_BYTES)]
    error: ErrorText
    worker: Label
    attempts: int


class SubmissionReply(msgspec.Struct, frozen=True):
    """The numbers of new and of already known tasks, and the refused ones (a full queue, a bad priority).
    `results` holds those that became durable within the wait, if one was requested.
    """

    accepted: int
    known: int
    refused: Annotated[list[RefusedTask], msgspec.Meta(max_length=TASKS_MAX)]
    results: Annotated[list[TaskResult], msgspec.Meta(max_length=TASKS_MAX)] = []


class CoordinatorHealth(msgspec.Struct, frozen=True):
    """The coordinator's epoch, and its monotonic clock at the answer."""

    epoch: int
    now_ns: int


class TaskCounts(msgspec.Struct, frozen=True):
    """Tasks by state: submitted = completed + failed + waiting + assigned, at every instant."""

    submitted: int
    completed: int
    failed: int
    waiting: int
    assigned: int


class WorkerState(msgspec.Struct, frozen=True):
    """One worker: `connected`, `lost` (its session is kept) or `gone` (it sent a goodbye, or its session
    expired). `still_ms` is the longest time for which one of its attempts has made no step.
    """

    name: Label
    state: Label
    session: Label
    assigned: int
    heard_ms_ago: int
    connections: int
    since_ns: int
    still_ms: int = 0


class CoordinatorState(msgspec.Struct, frozen=True):
    """The coordinator's whole state, in one answer."""

    epoch: int
    now_ns: int
    draining: bool
    counts: TaskCounts
    waiting_by_priority: Tally
    workers: Annotated[list[WorkerState], msgspec.Meta(max_length=WORKERS_MAX)]
    counters: Tally
