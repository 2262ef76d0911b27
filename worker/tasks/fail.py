"""Fails, always: a task whose own error is its result."""

from __future__ import annotations

from wire.kinds import Fail
from worker.tasks.kind import Inline, TaskError


def run(params: Fail) -> None:
    """Fail with `message`."""
    raise TaskError(params.message)


KIND = Inline(Fail, run)
