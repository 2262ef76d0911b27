"""Well-formed, signed and numbered messages with false claims: the connection stays open, and each claim is
refused and counted.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable

from wire.messages import (
    AttemptReport,
    AttemptResult,
    Checkpoint,
    CheckpointSaved,
    Heartbeat,
    HeldAttempt,
    Message,
    Progress,
    ReturnTask,
)

TOKEN_MAX = 1 << 60
STATE = Checkpoint(1 << 30, b"state", hashlib.sha256(b"state").digest())


def _token(chance: random.Random) -> int:
    return chance.choice((0, 1, 7, -1, chance.randrange(TOKEN_MAX)))


def _result(task: str, chance: random.Random) -> Message:
    output = chance.choice((b"1", b"", b"\xff", b"{" * chance.randrange(500)))
    error = chance.choice(("", "", "x" * chance.randrange(300)))
    ended_ns = chance.choice((0, 1 << 62))
    return AttemptResult(
        task, _token(chance), output, error, ended_ns, 0, ended_ns, chance.choice((0, 1 << 40))
    )


# The claim, its counter ("" where there is none), and the message. `done` is a task whose result counted
# long ago.
CONTENTS: dict[str, tuple[str, Callable[[str, random.Random], Message]]] = {
    "a result of no task": (
        "results_refused_unknown",
        lambda done, chance: _result(f"unknown-{chance.randrange(1 << 30)}", chance),
    ),
    "another result of what is done": ("results_refused_duplicate", _result),
    "a checkpoint of an unknown attempt": (
        "checkpoints_refused_stale",
        lambda done, chance: CheckpointSaved(done, _token(chance), STATE),
    ),
    "another's attempt handed back": ("", lambda done, chance: ReturnTask(done, _token(chance), "x" * 100)),
    "a beat with odd figures": (
        "",
        lambda done, chance: Heartbeat(
            chance.choice((0, -1, 1 << 62)), chance.choice((0, -1, 1 << 40)),
            [Progress(_token(chance), chance.choice((0, 1 << 60))) for _ in range(chance.randrange(9))],
        ),
    ),
    "others' attempts as one's own": (
        "",
        lambda done, chance: AttemptReport(
            [HeldAttempt(done, _token(chance)) for _ in range(chance.randrange(9))]
        ),
    ),
}  # fmt: skip
NEVER_NUMBERED = (Heartbeat, AttemptReport)
