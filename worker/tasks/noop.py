"""Nothing: what is left is the cost of the system itself."""

from __future__ import annotations

from wire.kinds import Noop
from worker.tasks.kind import Inline


def run(params: Noop) -> None:
    """Nothing."""


KIND = Inline(Noop, run)
