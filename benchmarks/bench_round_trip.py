"""The round trip of one task on an idle system: from the submitter's call until it has the result; p50.

The way of our task: submitter → coordinator → worker → coordinator (to the disk) → submitter. The task and
its result go to the disk together, since the submitter is informed of neither before (coordinator/ledger.py).
It is one message over the submitter's WebSocket (`/tasks?wait_ms=…`), and one back; between coordinator and
worker all is numbered, signed, leased and journaled. Settings are the shipped ones. Two workers are idle,
`noop` does nothing.

Against a bare `websockets` echo over the same processes and sockets (benchmarks/contenders/echo.py). The must
is held against the echo that writes to the disk at the same place: without, it would promise nothing, and the
disk's time is no choice of ours. The echo that writes nothing is shown below it. Against Celery on Redis and
Dask distributed as their users get them (benchmarks/contenders/celery.py, dask.py), which keep nothing on a
disk meanwhile. Fair, because all pause for PAUSE_S before each trip, and have the same cores and at most two
workers, the one in the middle on a core of its own, and one task at a time. The contenders take turns, round
by round; each figure is a round's median.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack

import msgspec
import uvloop
from websockets.asyncio.client import connect

from benchmarks.affinity import SECOND, pin
from benchmarks.contenders.celery import OnRedis
from benchmarks.contenders.dask import Dask
from benchmarks.contenders.echo import PAUSE_S, Echo
from benchmarks.contenders.ours import TOKEN, Ours
from benchmarks.pairs import estimate, ratios
from benchmarks.row import Bound, Row, at_most
from wire.control import Submission, SubmissionReply, TaskSpec, authorization
from wire.settings import WorkerSettings

TRIPS = 300
WARM_UP = 100
ROUNDS = 9
LIMIT_S = 60
SHIPPED = WorkerSettings()
MEASURE = "round trip of one task, idle system, p50"
CORES = "coordinator, server, scheduler or Redis: 0; workers and submitter: 1"

Trips = Callable[[int], list[float]]


class OurTrips(Ours):
    """Stormlab, asked for one task at a time over the submitter's WebSocket."""

    def __init__(self) -> None:
        super().__init__(slots=SHIPPED.slots, prefetch=SHIPPED.prefetch)
        self._numbers = itertools.count()
        self._loop = uvloop.new_event_loop()

    def trips_s(self, count: int) -> list[float]:
        """From the call until the answer with the result is read; each after a pause, so that what the last
        one left to do is over: the system is idle.
        """
        return self._loop.run_until_complete(asyncio.wait_for(self._trips(count), LIMIT_S))

    async def _trips(self, count: int) -> list[float]:
        took_s = []
        url, token = f"{self.control_url}/tasks?wait_ms=30000", authorization(TOKEN)
        async with connect(url, compression=None, proxy=None, additional_headers=token) as link:
            for _ in range(count):
                await asyncio.sleep(PAUSE_S)
                began_s = time.monotonic()
                task = TaskSpec(task_id=f"trip-{next(self._numbers)}", kind="noop")
                await link.send(msgspec.json.encode(Submission([task])))
                answer = msgspec.json.decode(await link.recv(), type=SubmissionReply)
                took_s.append(time.monotonic() - began_s)
                if [result.outcome for result in answer.results] != ["completed"]:
                    raise RuntimeError(f"a task came to no result: {answer}")
        return took_s


def rows(*, quick: bool) -> list[Row]:
    """Four rows: three peers with a must, and the echo that writes nothing."""
    rounds, trips = (2, 20) if quick else (ROUNDS, TRIPS)
    pin(SECOND)
    with ExitStack() as ends:
        ours = OurTrips()
        ends.enter_context(ours)
        contenders: list[Trips] = [
            ours.trips_s,
            ends.enter_context(Echo(durable=True)).trips_s,
            ends.enter_context(Echo(durable=False)).trips_s,
            _one_by_one(ends.enter_context(OnRedis()).trip_s),
            _one_by_one(ends.enter_context(Dask()).trip_s),
        ]
        contenders[0](WARM_UP)
        found = [[_median_us(contender, trips) for contender in contenders] for _ in range(rounds)]
    mine, durable, bare, celery, dask = (list(contender) for contender in zip(*found, strict=True))
    return [
        _row("bare websockets echo, same path and disk writes", mine, durable, at_most(3), at_most(2)),
        _row("bare websockets echo, same path, nothing written", mine, bare),
        _row("Celery on Redis", mine, celery, at_most(0.25)),
        _row("Dask distributed", mine, dask, at_most(0.05)),
    ]


def _one_by_one(trip_s: Callable[[], float]) -> Trips:
    """Each trip after a pause, so that what the last one left to do is over: the system is idle."""

    def trips_s(count: int) -> list[float]:
        took_s = []
        for _ in range(count):
            time.sleep(PAUSE_S)
            took_s.append(trip_s())
        return took_s

    return trips_s


def _median_us(trips_s: Trips, count: int) -> float:
    return statistics.median(trips_s(count)) * 1e6


def _row(
    baseline: str,
    ours_us: list[float],
    theirs_us: list[float],
    must: Bound | None = None,
    aim: Bound | None = None,
) -> Row:
    return Row(
        measure=MEASURE, baseline=baseline, unit="µs", ours=estimate(ours_us), theirs=estimate(theirs_us),
        figure=ratios(ours_us, theirs_us), must=must, aim=aim, cores=CORES, rounds=len(ours_us),
        remark=f"{TRIPS} trips a contender and round; shipped settings "
        "(but room for a million waiting tasks)",
    )  # fmt: skip
