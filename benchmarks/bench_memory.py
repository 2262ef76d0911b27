"""What an idle session costs the coordinator in memory, beside an idle connection of a bare server.

Measured: by how much a real `python -m coordinator` grows with each of 5,000 sessions: real handshakes,
inventories, and heartbeats with their answers. Against: a plain `websockets` server on uvloop
(contenders/bare_server.py) that holds as many connections, each with as many messages of the same size. Fair,
because both hold what they need while nothing happens, and what costs memory is set alike: no deflate, no
keepalive task, 16 frames of queue, messages up to 1 MiB. The growth is PSS after all are in and each said
twice more that it is there, less PSS after a first one came and went, so that code and imports are in
neither figure. Each round has new processes.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable
from pathlib import Path

import uvloop

from benchmarks.affinity import FIRST, SECOND, pin, starting_on
from benchmarks.contenders.idlers import IdleConnection, Idler, IdleSession
from benchmarks.pairs import estimate, in_turn, ratios
from benchmarks.row import Row, at_most
from tests.integration.processes import CoordinatorProcess

ROOT = Path(__file__).resolve().parent.parent
SESSIONS, ROUNDS = 5_000, 5
AT_ONCE = 64
SWEEPS = 2
SILENCE_MS = 60_000
QUIET_S = 1.0


async def growth_kib(pid: int, count: int, idler: Callable[[int], Idler]) -> float:
    """KiB by which process `pid` grows with each of `count` idlers."""
    pin(FIRST, pid)
    first = idler(0)
    await first.enter()
    await first.leave()
    await asyncio.sleep(QUIET_S)
    before_kib = pss_kib(pid)
    inside: list[Idler] = []
    numbers = iter(range(1, count + 1))

    async def door() -> None:
        for number in numbers:
            one = idler(number)
            await one.enter()
            inside.append(one)

    await asyncio.gather(*(door() for _ in range(AT_ONCE)))
    for _ in range(SWEEPS):
        await beat_all(inside)
    await asyncio.sleep(QUIET_S)
    return (pss_kib(pid) - before_kib) / count


async def beat_all(inside: list[Idler]) -> None:
    """One heartbeat of each client, and its answer."""
    left = iter(inside)

    async def some() -> None:
        for one in left:
            await one.beat()

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))


def pss_kib(pid: int) -> int:
    """What a process holds of the machine's memory, shared pages by their share."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss: +(\d+) kB", text, re.M)
    assert found is not None, text
    return int(found[1])


async def ours_kib(count: int) -> float:
    """KiB a session of a coordinator. Raises RuntimeError when it lost one meanwhile."""
    settings = {
        "fleet": SESSIONS, "admission_per_s": 100_000.0, "admission_burst": SESSIONS + 1,
        "heartbeat_timeout_ms": SILENCE_MS,
    }  # fmt: skip
    async with CoordinatorProcess(**settings) as coordinator:
        assert coordinator.process is not None
        port = coordinator.port
        grown = await growth_kib(coordinator.process.pid, count, lambda number: IdleSession(number, port))
        state = await coordinator.state()
        connected = sum(worker.state == "connected" for worker in state.workers)
        if connected != count:
            raise RuntimeError(f"{connected} of {count} sessions are connected")
        return grown


async def theirs_kib(count: int) -> float:
    """KiB a connection of a bare server."""
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.contenders.bare_server", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert server.stdout is not None
        port = int(await server.stdout.readline())
        return await growth_kib(server.pid, count, lambda _: IdleConnection(port))
    finally:
        server.kill()
        await server.wait()


def rows(*, quick: bool) -> list[Row]:
    """One row."""
    count, rounds = (200, 2) if quick else (SESSIONS, ROUNDS)
    starting_on(SECOND)()
    ours, theirs = in_turn(lambda: uvloop.run(ours_kib(count)), lambda: uvloop.run(theirs_kib(count)), rounds)
    row = Row(
        measure=f"memory a session at the coordinator, {count:,} idle sessions",
        baseline="a bare websockets server, as many connections",
        unit="KiB",
        ours=estimate(ours),
        theirs=estimate(theirs),
        figure=ratios(ours, theirs),
        cores=f"server on {FIRST}, all sessions on {SECOND}",
        rounds=rounds,
        must=at_most(1.5),
        aim=at_most(1.2),
        remark="both on uvloop, without deflate and keepalive pings; the admission lets all in at once, "
        "and a slow client's silence is forgiven for a minute",
    )
    return [row]
