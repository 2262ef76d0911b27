"""Durable tasks per second: two workers, `noop`, each submission and each result acknowledged after an fsync.

Measured: from the first submission until the last task's result is on the disk and counted, over a real
coordinator and two real workers (arms/ours.py). All of the session layer is on: numbers, signatures, leases,
tokens, priorities, journals. Deflate is off, as it is in every baseline: on loopback it can only cost.

Against a bare loop over `websockets` and SQLite (arms/bare.py), which keeps the same promise to its caller
and nothing else. The must is held against the loop that sends a message a task. The one that packs up to 64
tasks into a message is shown below it: there next to nothing is left but SQLite, and the figure tells what
all that a session promises costs. Fair, because all have two workers, the same cores, as many tasks at hand
(512 a worker), as many in a submission, uvloop, and the same disk. The arms take turns.
"""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.arms.bare_arm import Bare
from benchmarks.arms.ours import Ours
from benchmarks.pairs import estimate, ratios
from benchmarks.pinning import SECOND, pin
from benchmarks.row import Bound, Row, at_least

TASKS, ROUNDS = 40_000, 7
QUICK_TASKS, QUICK_ROUNDS = 2_000, 2
PACKED = 64
CORES = "coordinator or server: 0; workers and who submits: 1"


def rows(*, quick: bool) -> list[Row]:
    """A row for each baseline."""
    tasks, rounds = (QUICK_TASKS, QUICK_ROUNDS) if quick else (TASKS, ROUNDS)
    pin(SECOND)
    with ExitStack() as ends:
        ours = ends.enter_context(Ours(compress=False))
        loop = ends.enter_context(Bare())
        packed = ends.enter_context(Bare(batch=PACKED))
        found = [[arm.tasks_per_s(tasks) for arm in (ours, loop, packed)] for _ in range(rounds)]
    mine, one_by_one, by_64 = (list(arm) for arm in zip(*found, strict=True))
    return [
        _row("bare websockets loop, SQLite FULL, group commit", mine, one_by_one, at_least(0.6), at_least(1)),
        _row(f"the same, up to {PACKED} tasks in a message", mine, by_64),
    ]


def _row(
    baseline: str, ours: list[float], theirs: list[float], must: Bound | None = None, aim: Bound | None = None
) -> Row:
    return Row(
        measure="durable tasks per second, 2 workers, noop", baseline=baseline, unit="tasks/s",
        ours=estimate(ours), theirs=estimate(theirs), figure=ratios(ours, theirs), must=must, aim=aim,
        cores=CORES, rounds=len(ours),
    )  # fmt: skip
