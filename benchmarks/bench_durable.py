"""Durable tasks per second: two workers, `noop`, each submission and each result acknowledged after an fsync.

Measured: from the first submission until the last task's result is on the disk and counted, over a real
coordinator and two real workers (contenders/ours.py). All of the session layer is on: numbers, signatures,
leases, tokens, priorities, journals. What is to be said at once goes in one frame, up to 256 messages, as it
ships. Deflate is off, as it is in every baseline: on loopback it can only cost. Tasks go in 1,000 to a
request; the submitter looks at the count of completed ones, and reads no result back (Celery's contender does
both one by one, which is how its users use it, and part of why it is so far behind).

Against NATS JetStream with `sync_interval: always` (contenders/jetstream.py): the must is held against the
one that keeps results, as we do; the one that only acknowledges promises less, and is shown. Against a bare
loop over `websockets` and SQLite (contenders/bare.py), which keeps the same promise to its caller and nothing
else. The must is held against the loop that sends a message a task. The one that packs up to 64 tasks into a
message is shown below it: there little is left but SQLite, and the figure shows what all that a session
promises costs. And against Celery on Redis, results read back (contenders/celery.py), which keeps nothing on
a disk.

Fair, because all have two workers, the same cores, the same disk, and as much under way as each takes well:
512 tasks at hand a worker here and in the bare loop, two batches of 256 at JetStream, 256 fetched ahead at
Celery. The contenders take turns; the slower ones do fewer tasks, for a second or two each.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Protocol

from benchmarks.affinity import SECOND, pin
from benchmarks.contenders.bare_client import Bare
from benchmarks.contenders.celery import OnRedis
from benchmarks.contenders.jetstream import JetStream
from benchmarks.contenders.ours import Ours
from benchmarks.pairs import estimate, ratios
from benchmarks.row import Bound, Row, at_least

TASKS, STREAMED_TASKS, CELERY_TASKS = 40_000, 5_000, 800
ROUNDS = 7
QUICK_ROUNDS, QUICK_SHARE = 2, 0.05
PACKED = 64
CORES = "coordinator, server or Redis: 0; workers and submitter: 1"


class TaskContender(Protocol):
    """A system that runs tasks."""

    def tasks_per_s(self, tasks: int) -> float:
        """Run `tasks` tasks, and return their rate."""
        ...


def rows(*, quick: bool) -> list[Row]:
    """A row for each baseline."""
    rounds, share = (QUICK_ROUNDS, QUICK_SHARE) if quick else (ROUNDS, 1.0)
    pin(SECOND)
    with ExitStack() as ends:
        contenders: list[tuple[TaskContender, int]] = [
            (ends.enter_context(Ours(compress=False)), TASKS),
            (ends.enter_context(JetStream(results=True)), STREAMED_TASKS),
            (ends.enter_context(JetStream(results=False)), STREAMED_TASKS),
            (ends.enter_context(Bare()), TASKS),
            (ends.enter_context(Bare(batch=PACKED)), TASKS),
            (ends.enter_context(OnRedis()), CELERY_TASKS),
        ]
        found = [[one.tasks_per_s(round(tasks * share)) for one, tasks in contenders] for _ in range(rounds)]
    ours, kept, acknowledged, loop, packed, celery = map(list, zip(*found, strict=True))
    return [
        _row("NATS JetStream, sync_interval: always, results kept", ours, kept, at_least(3), at_least(8)),
        _row("the same, acknowledged without a result", ours, acknowledged),
        _row("bare websockets loop, SQLite FULL, group commit", ours, loop, at_least(0.6), at_least(1)),
        _row(f"the same, up to {PACKED} tasks in a message", ours, packed),
        _row("Celery on Redis, results read back", ours, celery, at_least(15), at_least(40)),
    ]


def _row(
    baseline: str, ours: list[float], theirs: list[float], must: Bound | None = None, aim: Bound | None = None
) -> Row:
    return Row(
        measure="durable tasks per second, 2 workers, noop", baseline=baseline, unit="tasks/s",
        ours=estimate(ours), theirs=estimate(theirs), figure=ratios(ours, theirs), must=must, aim=aim,
        cores=CORES, rounds=len(ours),
        remark="workers: 64 slots, prefetch 448, no deflate; a million tasks may wait; else as shipped",
    )  # fmt: skip
