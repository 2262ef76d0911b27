"""Celery on Redis as a contender: `noop` sent with `delay`, results read back from Redis.

    python -m celery -A benchmarks.contenders.celery_app worker …      a worker, at CELERY_PORT's Redis

Set up for speed, as its documentation says: two workers of one process each (the pool `solo`, which passes
tasks through no pipe; `prefork` was slower), 256 tasks fetched ahead, no gossip, mingle, heartbeat, events or
remote control; acknowledged early; JSON. Many results are read with `get_many`, which was faster than
`join_native`, a group's, and `get` one by one. Redis writes nothing to its disk: a crash of it loses all that
we would keep, which is the faster way to run it, and so the harder one to compare with.
"""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import ExitStack
from typing import Any

from celery import Celery

from benchmarks.affinity import FIRST, SECOND
from benchmarks.contenders.ours import WORKERS
from benchmarks.contenders.processes import Contender, answers, run, start, wait_until
from benchmarks.ports import free_port
from driver.machine.redis_server import find_redis

PORT_VARIABLE = "CELERY_PORT"
FETCHED_AHEAD = 256
LOOK_S = 0.01
LIMIT_S = 120.0
WARM_UP = 100


def celery_on(port: int) -> tuple[Any, Any]:
    """The application on the Redis at `port`, and its one task."""
    redis = f"redis://127.0.0.1:{port}"
    app = Celery("bench", broker=f"{redis}/0", backend=f"{redis}/1")
    app.conf.update(
        worker_prefetch_multiplier=FETCHED_AHEAD, worker_enable_remote_control=False,
        broker_connection_retry_on_startup=True,
    )  # fmt: skip
    return app, app.task(_noop, name="noop")


def _noop() -> None:
    pass


class OnRedis(Contender):
    """Runs inside `with`; idle between measurements."""

    def tasks_per_s(self, tasks: int) -> float:
        """From the first `delay` until the last of `tasks` results is read."""
        began_s = time.monotonic()
        names = [self._noop.delay().id for _ in range(tasks)]
        read = sum(1 for _ in self._app.backend.get_many(names, timeout=LIMIT_S, interval=LOOK_S))
        if read != tasks:
            raise RuntimeError(f"{tasks} tasks were sent, and {read} results read")
        return tasks / (time.monotonic() - began_s)

    def trip_s(self) -> float:
        """From `delay` until `get` has the result."""
        began_s = time.monotonic()
        self._noop.delay().get(timeout=LIMIT_S)
        return time.monotonic() - began_s

    def _start(self, ends: ExitStack) -> None:
        folder = ends.enter_context(tempfile.TemporaryDirectory(prefix="bench-redis-"))
        port = free_port()
        options = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder)
        run(ends, FIRST, find_redis(), "--port", str(port), *options)
        wait_until(lambda: answers(port), "Redis listens")
        self._app, self._noop = celery_on(port)
        ends.callback(self._app.close)
        for number in range(WORKERS):
            start(
                ends, SECOND, "celery", "-A", "benchmarks.contenders.celery_app", "worker", "--pool", "solo",
                "--without-gossip", "--without-mingle", "--without-heartbeat", "-n", f"worker-{number}",
                **os.environ, **{PORT_VARIABLE: str(port)},
            )  # fmt: skip
        for _ in range(WARM_UP):
            self.trip_s()
