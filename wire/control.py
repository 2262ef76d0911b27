"""What the driver says to the coordinator's control API, and hears from it (JSON over HTTP, never over a link
under test).

    GET  /healthz    200 once work can be taken          Health
    POST /tasks      Submission → Submitted, after the tasks are durable; the same task_id twice is taken once
                     ?wait_ms=N: … or later, once all have results; after N ms with those that are there.
                     Asked again with the same tasks, it waits on
    GET  /tasks      the same over a WebSocket: a Submission a message, and then its Submitted
    GET  /state      State
    POST /drain      begin to leave (as SIGTERM does)
    GET  /metrics    Prometheus text

Every call but GET /healthz and /metrics, which change nothing and hold no word of a task, has the lab's
control token in it (`authorization`). None is answered under a foreign Host, nor with an Origin.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from wire.limits import BULK_BYTES, ErrorText, Label, Name
from wire.priority import Priority

CONTROL_PORT = 8766
CONTROL_HOST_NAME = "coordinator"
"""The name under which the control network has it: Prometheus asks by it."""
OPEN_PATHS = ("/healthz", "/metrics")
"""GET answers these without a token."""
WAIT_MAX_MS = 60_000
"""For so long a submission may wait for results."""
TASKS_MAX = 10_000
"""Tasks of one submission."""
TYPED_CHARS = 1_000
"""A task with a longer id or kind has no place in an answer: its whole submission is refused."""
ANSWER_BYTES = 16 * 1024 * 1024
"""The outputs of one answer: with more it holds those that fit. Asked for the rest, the next one goes on."""
WORKERS_MAX = 50_000

Typed = Annotated[str, msgspec.Meta(max_length=TYPED_CHARS)]
Whole = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
Tally = Annotated[dict[Label, int], msgspec.Meta(max_length=1_000)]


def authorization(token: str) -> dict[str, str]:
    """The header that carries the control token (RFC 6750, section 2.1)."""
    return {"Authorization": f"Bearer {token}"}


class TaskSpec(msgspec.Struct, kw_only=True, frozen=True):
    """One task to do. `params` is JSON for the kind; `intended_ns` is when it was meant to start (monotonic),
    and latency counts from it. `max_attempts` 0 takes the coordinator's setting; an error that the task
    itself reports is final when `retry_errors` is false.
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
    """Tasks to take, all or none of them durable when the answer comes."""

    tasks: Annotated[list[TaskSpec], msgspec.Meta(max_length=TASKS_MAX)]


class RefusedTask(msgspec.Struct, frozen=True):
    """A task that was not taken, and why."""

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
    """How many were new, how many were known already, and which were refused (a full queue, a bad
    priority). `results` has those that came while it was waited for them, if it was.
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
    """submitted = completed + failed + waiting + assigned, at every instant."""

    submitted: int
    completed: int
    failed: int
    waiting: int
    assigned: int


class WorkerState(msgspec.Struct, frozen=True):
    """One worker as the coordinator sees it: `connected`, `lost` (its session is kept) or `gone` (said
    goodbye, or expired). `still_ms` is for how long its stillest attempt has made no step.
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
    """All that the coordinator knows, in one answer."""

    epoch: int
    now_ns: int
    draining: bool
    counts: TaskCounts
    waiting_by_priority: Tally
    workers: Annotated[list[WorkerState], msgspec.Meta(max_length=WORKERS_MAX)]
    counters: Tally
