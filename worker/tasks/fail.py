"""Always fails: a task whose error is its result."""

from __future__ import annotations

from wire.kinds import Fail
from worker.tasks.kind import InlineTask, TaskError


def run(params: Fail) -> None:
    """Fail with `message`."""
    raise TaskError(params.message)


KIND = InlineTask(Fail, run)
