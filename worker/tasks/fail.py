"""Fails, always: a task whose own error is its result."""

from __future__ import annotations

import msgspec

from worker.tasks.kind import Inline, TaskError


class FailParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to say."""

    message: str = "failed, as it was asked to"


def run(params: FailParams) -> None:
    """Fail with `message`."""
    raise TaskError(params.message)


KIND = Inline(FailParams, run)
