"""Does nothing: its cost is that of the system itself."""

from __future__ import annotations

from wire.kinds import Noop
from worker.tasks.kind import InlineTask


def run(params: Noop) -> None:
    """Do nothing."""


KIND = InlineTask(Noop, run)
