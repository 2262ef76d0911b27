"""Dask distributed as a contender, for the round trip: `client.submit(…).result()`.

A scheduler and two workers of one thread each, as processes without nannies and dashboards, on TCP; all else
as it comes. A task is not `pure`: the result of an earlier one would be taken otherwise. Nothing is durable.
"""

from __future__ import annotations

import time
from contextlib import ExitStack

from distributed import Client

from benchmarks.affinity import FIRST, SECOND
from benchmarks.contenders.ours import WORKERS
from benchmarks.contenders.processes import Contender, answers, start, wait_until
from benchmarks.ports import free_port

LIMIT_S = 60
WARM_UP = 50


class Dask(Contender):
    """Runs inside `with`; idle between measurements."""

    def trip_s(self) -> float:
        """From `submit` until `result` has it."""
        began_s = time.monotonic()
        self._client.submit(_noop, pure=False).result(timeout=LIMIT_S)
        return time.monotonic() - began_s

    def _start(self, ends: ExitStack) -> None:
        port = free_port()
        here = ("--host", "127.0.0.1", "--no-dashboard")
        start(ends, FIRST, "distributed.cli.dask_scheduler", *here, "--port", str(port))
        wait_until(lambda: answers(port), "Dask's scheduler listens")
        for _ in range(WORKERS):
            one = (f"tcp://127.0.0.1:{port}", *here, "--nthreads", "1", "--no-nanny")
            start(ends, SECOND, "distributed.cli.dask_worker", *one)
        self._client = Client(f"tcp://127.0.0.1:{port}", timeout=LIMIT_S)
        ends.callback(self._client.close)
        self._client.wait_for_workers(WORKERS, timeout=LIMIT_S)
        for _ in range(WARM_UP):
            self.trip_s()


def _noop() -> None:
    pass
