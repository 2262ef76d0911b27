"""Always fails: a task whose error is its result."""

from __future__ import annotations

from wire.task_params import FailParams
from worker.task_kind import InlineTask, TaskError


def run(params: FailParams) -> None:
    """Fail with `message`."""
    raise TaskError(params.message)


KIND = InlineTask(FailParams, run)
