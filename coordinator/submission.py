"""Validation of submitted tasks, and the row that a task becomes."""

from __future__ import annotations

from coordinator.rows import TaskRow
from wire.control import TaskSpec
from wire.limits import NAME_BYTES, PARAMS_BYTES
from wire.priority import Priority

ATTEMPTS_MAX = 1_000
TIMEOUT_MAX_MS = 7 * 24 * 3_600_000
CLOCK_MAX_NS = (1 << 63) - 1
_PRIORITIES = dict(Priority.__members__)


def validation_error(task: TaskSpec) -> str | None:
    """Return a sentence for the client that says why `task` is invalid; None when it is valid."""
    for field, name in (("task_id", task.task_id), ("kind", task.kind)):
        size_bytes = len(name) if name.isascii() else len(name.encode())
        if not 0 < size_bytes <= NAME_BYTES:
            return f"{field} must have 1 to {NAME_BYTES} bytes (in UTF-8); found {size_bytes}"
    if task.priority not in _PRIORITIES:
        return f"priority must be one of {', '.join(_PRIORITIES)}; found {task.priority!r}"
    if len(bytes(task.params)) > PARAMS_BYTES:
        return f"params must have at most {PARAMS_BYTES} bytes; found {len(bytes(task.params))}"
    if not 1 <= task.timeout_ms <= TIMEOUT_MAX_MS:
        return f"timeout_ms must be 1 to {TIMEOUT_MAX_MS}; found {task.timeout_ms}"
    if not 0 <= task.max_attempts <= ATTEMPTS_MAX:
        because = "0 takes the coordinator's setting"
        return f"max_attempts must be 0 to {ATTEMPTS_MAX} ({because}); found {task.max_attempts}"
    if not 0 <= task.intended_ns <= CLOCK_MAX_NS:
        return f"intended_ns must be a time of the monotonic clock; found {task.intended_ns}"
    return None


def task_row(task: TaskSpec, number: int) -> TaskRow:
    """Return the row of `task`, with its number."""
    return TaskRow(
        number, task.task_id, task.kind, bytes(task.params), _PRIORITIES[task.priority],
        task.intended_ns, task.timeout_ms, task.max_attempts, task.retry_errors,
    )  # fmt: skip
