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
"""

from __future__ import annotations

import msgspec

from wire.priority import Priority

CONTROL_PORT = 8766
WAIT_MAX_MS = 60_000
"""For so long a submission may wait for results."""


class Task(msgspec.Struct, kw_only=True, frozen=True):
    """One task to do. `params` is JSON for the kind; `intended_ns` is when it was meant to start (monotonic),
    and latency counts from it. `max_attempts` 0 takes the coordinator's setting; an error that the task
    itself reports is final when `retry_errors` is false.
    """

    task_id: str
    kind: str
    params: msgspec.Raw = msgspec.Raw(b"{}")
    priority: str = Priority.normal.name
    intended_ns: int = 0
    timeout_ms: int = 60_000
    max_attempts: int = 0
    retry_errors: bool = False


class Submission(msgspec.Struct, frozen=True):
    """Tasks to take, all or none of them durable when the answer comes."""

    tasks: list[Task]


class RefusedTask(msgspec.Struct, frozen=True):
    """A task that was not taken, and why."""

    task_id: str
    because: str


class TaskResult(msgspec.Struct, frozen=True):
    """The one result of a task, durable. `outcome` is completed or failed, `output` JSON text."""

    task_id: str
    outcome: str
    output: str
    error: str
    worker: str
    attempts: int


class Submitted(msgspec.Struct, frozen=True):
    """How many were new, how many were known already, and which were refused (a full queue, a bad
    priority). `results` has those that came while it was waited for them, if it was.
    """

    accepted: int
    known: int
    refused: list[RefusedTask]
    results: list[TaskResult] = []


class Health(msgspec.Struct, frozen=True):
    """The coordinator's epoch, and its monotonic clock at the answer."""

    epoch: int
    now_ns: int


class Counts(msgspec.Struct, frozen=True):
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

    name: str
    state: str
    session: str
    assigned: int
    heard_ms_ago: int
    connections: int
    since_ns: int
    still_ms: int = 0


class State(msgspec.Struct, frozen=True):
    """All that the coordinator knows, in one answer."""

    epoch: int
    now_ns: int
    draining: bool
    counts: Counts
    waiting_by_priority: dict[str, int]
    workers: list[WorkerState]
    counters: dict[str, int]
