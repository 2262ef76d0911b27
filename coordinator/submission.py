"""Whether a submitted task can be taken, and the row that it becomes."""

from __future__ import annotations

from coordinator.rows import TaskRow
from wire.control import Task
from wire.messages import MAX_PARAMS_BYTES
from wire.priority import Priority

NAME_MAX = 200


def trouble(task: Task) -> str | None:
    """Why `task` cannot be taken: a sentence for who sent it; None when all is well."""
    if not 0 < len(task.task_id) <= NAME_MAX:
        return f"task_id must have 1 to {NAME_MAX} characters; found {len(task.task_id)}"
    if not 0 < len(task.kind) <= NAME_MAX:
        return f"kind must have 1 to {NAME_MAX} characters; found {len(task.kind)}"
    if task.priority not in Priority.__members__:
        return f"priority must be one of {', '.join(Priority.__members__)}; found {task.priority!r}"
    if len(bytes(task.params)) > MAX_PARAMS_BYTES:
        return f"params must have at most {MAX_PARAMS_BYTES} bytes; found {len(bytes(task.params))}"
    if task.timeout_ms < 1:
        return f"timeout_ms must be at least 1; found {task.timeout_ms}"
    if task.max_attempts < 0:
        return f"max_attempts must be at least 0 (0: the coordinator's setting); found {task.max_attempts}"
    return None


def row_of(task: Task, number: int) -> TaskRow:
    """The row that keeps `task`, the `number`th of all."""
    return TaskRow(
        number, task.task_id, task.kind, bytes(task.params), Priority[task.priority],
        task.intended_ns, task.timeout_ms, task.max_attempts, task.retry_errors,
    )  # fmt: skip
