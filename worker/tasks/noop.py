"""Nothing: what is left is the cost of the system itself."""

from __future__ import annotations

import msgspec

from worker.tasks.kind import Inline


class NoopParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """None."""


def run(params: NoopParams) -> None:
    """Nothing."""


KIND = Inline(NoopParams, run)
