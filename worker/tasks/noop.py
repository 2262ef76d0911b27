"""Does nothing: its cost is that of the system itself."""

from __future__ import annotations

from wire.task_params import NoopParams
from worker.task_kind import InlineTask


def run(params: NoopParams) -> None:
    """Do nothing."""


KIND = InlineTask(NoopParams, run)
