"""`python -m benchmarks.storm.fleet ORDER`: a fleet in a process of its own, controlled by lines of text.

`up` waits until all are connected, `mark` begins the outage, `back` waits until all are connected again; each
is answered with one line of JSON. A fleet of handshakes answers `rate` alone.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from benchmarks.storm import handshakes, peers
from benchmarks.storm.tally import Tally
from benchmarks.storm.workers import Workers
from wire.settings import WorkerSettings

UP_WITHIN_S = 180.0
"""For the last session that is started at the order's pace."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """The fleet to run: `kind` is workers, handshakes, websockets or nats. `back` takes at most `bound_s`.
    Workers are numbered from `first` on.
    """

    kind: str
    count: int
    port: int
    folder: str
    key: str
    starts_per_s: float
    bound_s: float
    worker: WorkerSettings = WorkerSettings()
    first: int = 1


class FleetReport(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one line."""

    whole: bool = True
    backs_ns: list[int] = []
    fails_ns: list[int] = []
    rate_per_s: float = 0.0


def fleet(order: Order, tally: Tally) -> Coroutine[Any, Any, None]:
    """Return the fleet's coroutine."""
    if order.kind == "websockets":
        return peers.websockets(order.count, order.port, tally, order.starts_per_s)
    if order.kind == "nats":
        return peers.nats(order.count, order.port, tally, order.starts_per_s)
    workers = Workers(order.worker, order.port, bytes.fromhex(order.key), Path(order.folder), tally)
    return workers.run(order.first, order.count, order.starts_per_s)


async def serve(order: Order) -> None:
    """Carry out the lines of standard input, until it ends. Raises what breaks the fleet."""
    loop = asyncio.get_running_loop()
    tally = Tally()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with asyncio.TaskGroup() as group:
        # One that breaks ends the process at once, not at the limit of what is asked of it.
        running = group.create_task(fleet(order, tally)) if order.kind != "handshakes" else None
        while line := (await reader.readline()).decode().strip():
            print(msgspec.json.encode(await answer(line, order, tally)).decode(), flush=True)
        if running is not None:
            running.cancel()


async def answer(line: str, order: Order, tally: Tally) -> FleetReport:
    """Return the answer to one line."""
    match line:
        case "rate":
            key = bytes.fromhex(order.key)
            async with asyncio.timeout(order.bound_s):
                return FleetReport(rate_per_s=await handshakes.rate_per_s(order.count, order.port, key))
        case "mark":
            # The garbage collector scans a heap of thousands here, which a single worker does not have.
            gc.freeze()
            tally.mark()
            return FleetReport()
        case "up":
            paced_s = order.count / order.starts_per_s if order.starts_per_s else 0.0
            return FleetReport(whole=await tally.all_back(order.count, paced_s + UP_WITHIN_S))
        case "back":
            whole = await tally.all_back(order.count, order.bound_s)
            backs_ns = sorted(tally.connected.values())
            return FleetReport(whole=whole, backs_ns=backs_ns, fails_ns=tally.fails_ns)
        case _:
            raise ValueError(f"no such command: {line!r}")


if __name__ == "__main__":
    uvloop.run(serve(msgspec.json.decode(sys.argv[1], type=Order)))
