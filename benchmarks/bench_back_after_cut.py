"""How long a worker is away after a cut, by the round-trip time of its link, beside theory: two round trips,
one for TCP's handshake and one for the upgrade that carries the session's.

Real TCP between two network namespaces, over a wire that holds every packet for half the round trip
(delayed_wire.py). A real `python -m coordinator` runs at one end, a real `python -m worker` at the other.
The cut is an RST to both, as a firewall in between sends it; the time goes from the worker's `lost` line to
its `connected` line. Policy `none`, since a policy's wait is chosen and no part of the network; heartbeats
are rare, so that no cut comes between a beat and its answer. The baseline is the least that a WebSocket can
do: `connect` of the websockets library, without a session, over the same wire in turn. In each turn plain TCP
connects measure the wire's true round trip: they are the x of both lines. The figure is the slope of the
least-squares line over all turns, its interval by bootstrap over turns. It is fair since all three go over
the same wire within the same second.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from benchmarks.affinity import FIRST, SECOND, children_on, pin
from benchmarks.delayed_wire import ADDRESSES, FAR, NEAR, DelayedWire
from benchmarks.pairs import RESAMPLES, Estimate, estimate, ratios
from benchmarks.row import Row, at_most
from tests.integration.processes import CoordinatorProcess
from tests.worker.process import WorkerProcess

RTTS_MS = (0, 20, 50, 100, 200)
TURNS, QUICK_TURNS = 15, 3
PROBES = 3
SETTLE_S = 0.05
PATIENCE_S = 30.0
LOOK_S = 0.005
HEARTBEATS = {"heartbeat_interval_ms": 60_000, "heartbeat_timeout_ms": 60_000, "lease_ms": 600_000}
CORES = f"coordinator and worker {FIRST}, wire and baseline {SECOND}"


@dataclass(frozen=True)
class Turn:
    """One round trip of the wire, and both contenders over it, in ms."""

    rtt_ms: float
    ours_ms: float
    bare_ms: float


def rows(*, quick: bool) -> list[Row]:
    """The slope, and what each round-trip time came to."""
    pin(SECOND)
    with DelayedWire(core=SECOND) as wire:
        turns = asyncio.run(
            _measure(wire, RTTS_MS[:2] if quick else RTTS_MS, QUICK_TURNS if quick else TURNS)
        )
    every = list(turns.values())
    ours = slope([[(turn.rtt_ms, turn.ours_ms) for turn in found] for found in every])
    bare = slope([[(turn.rtt_ms, turn.bare_ms) for turn in found] for found in every])
    remark = (
        "slope of the line through all turns; x is what TCP connects took; policy none, heartbeats every "
        f"{HEARTBEATS['heartbeat_interval_ms'] / 1000:.0f} s, else shipped defaults"
    )
    slopes = Row(
        measure="time to be back after a cut, for each ms of the link's round trip",
        baseline="theory: 2 round trips, shown by a bare websockets connect", unit="round trips", ours=ours,
        theirs=bare, figure=ours, figure_unit="round trips",
        cores=CORES, rounds=sum(map(len, every)), must=at_most(2.2), aim=at_most(2.05), remark=remark,
    )  # fmt: skip
    return [slopes, *(_row(rtt_ms, found) for rtt_ms, found in turns.items())]


def slope(groups: list[list[tuple[float, float]]]) -> Estimate:
    """The slope of the least-squares line through all points (x, y), with the 95 % interval that resampling
    within each group gives.
    """
    chance = np.random.default_rng(0)
    drawn = np.concatenate(
        [chance.choice(np.asarray(group), size=(RESAMPLES, len(group))) for group in groups], axis=1
    )
    x, y = drawn[:, :, 0], drawn[:, :, 1]
    centred = x - x.mean(axis=1, keepdims=True)
    slopes = (centred * y).sum(axis=1) / (centred**2).sum(axis=1)
    low, high = np.percentile(slopes, [2.5, 97.5])
    xs, ys = zip(*(point for group in groups for point in group), strict=True)
    return Estimate(float(stats.linregress(xs, ys).slope), float(low), float(high))


def _row(rtt_ms: int, turns: list[Turn]) -> Row:
    ours, bare = [turn.ours_ms for turn in turns], [turn.bare_ms for turn in turns]
    measured = estimate([turn.rtt_ms for turn in turns])
    return Row(
        measure=f"back after a cut, {rtt_ms} ms round trip", baseline="bare websockets connect", unit="ms",
        ours=estimate(ours), theirs=estimate(bare), figure=ratios(ours, bare), cores=CORES, rounds=len(turns),
        remark=f"a TCP connect took {measured} ms",
    )  # fmt: skip


async def _measure(wire: DelayedWire, rtts_ms: tuple[int, ...], count: int) -> dict[int, list[Turn]]:
    async with _bare_server(wire) as bare_port, _pair(wire) as (coordinator, worker):
        turns: dict[int, list[Turn]] = {}
        for rtt_ms in rtts_ms:
            wire.delay(rtt_ms)
            turns[rtt_ms] = []
            for _ in range(count):
                await asyncio.sleep(2 * rtt_ms / 1000 + SETTLE_S)
                probes = [await _connect_ms(wire, bare_port) for _ in range(PROBES)]
                ours_ms = await _back_ms(wire, coordinator.port, worker, 2 * rtt_ms / 1000 + SETTLE_S)
                turns[rtt_ms].append(Turn(float(np.median(probes)), ours_ms, await _bare_ms(wire, bare_port)))
    return turns


@contextlib.asynccontextmanager
async def _pair(wire: DelayedWire) -> AsyncIterator[tuple[CoordinatorProcess, WorkerProcess]]:
    """A coordinator at FAR and a worker at NEAR that is connected."""
    coordinator = CoordinatorProcess(**HEARTBEATS)
    coordinator.host = ADDRESSES[FAR]
    worker = WorkerProcess(coordinator.port, policy="none")
    worker.environment["STORMLAB_LINKS_HOST"] = ADDRESSES[FAR]
    async with contextlib.AsyncExitStack() as stack:
        with wire.at(FAR), children_on(FIRST):
            await stack.enter_async_context(coordinator)
        with wire.at(NEAR), children_on(FIRST):
            await stack.enter_async_context(worker)
        await _lines(worker, "connected", 1)
        yield coordinator, worker


@contextlib.asynccontextmanager
async def _bare_server(wire: DelayedWire) -> AsyncIterator[int]:
    async def stay(connection: ServerConnection) -> None:
        await connection.wait_closed()

    with wire.at(FAR):
        listener = socket.create_server((ADDRESSES[FAR], 0))
    async with serve(stay, sock=listener, compression=None, ping_interval=None):
        yield int(listener.getsockname()[1])


async def _connect_ms(wire: DelayedWire, port: int) -> float:
    """What TCP's handshake takes: one round trip of the wire."""
    with wire.at(NEAR):
        dialling = socket.socket()
    with dialling:
        dialling.setblocking(False)
        began_ns = time.monotonic_ns()
        await asyncio.get_running_loop().sock_connect(dialling, (ADDRESSES[FAR], port))
        return (time.monotonic_ns() - began_ns) / 1e6


async def _bare_ms(wire: DelayedWire, port: int) -> float:
    """Return the time that the websockets library takes to open a connection."""
    with wire.at(NEAR):
        dialling = socket.socket()
    dialling.setblocking(False)
    began_ns = time.monotonic_ns()
    await asyncio.get_running_loop().sock_connect(dialling, (ADDRESSES[FAR], port))
    url = f"ws://{ADDRESSES[FAR]}:{port}/"
    async with connect(url, sock=dialling, compression=None, proxy=None, ping_interval=None):
        return (time.monotonic_ns() - began_ns) / 1e6


async def _back_ms(wire: DelayedWire, port: int, worker: WorkerProcess, again_s: float) -> float:
    """Cut the worker off; what passes from its `lost` line to its next `connected` line."""
    before = len(worker.journal("lost"))
    end_s = time.monotonic() + PATIENCE_S
    while len(worker.journal("lost")) == before:
        if time.monotonic() > end_s:
            raise TimeoutError(f"{worker.name} noticed no cut; the end of its log: {worker.log[-500:]}")
        wire.cut(port)
        # An RST that crosses with a segment is not believed: the next one is.
        await asyncio.sleep(again_s)
    lost = worker.journal("lost")[before]
    connected = (await _lines(worker, "connected", before + 2))[before + 1]
    if lost["kind"] != "reset" or connected["outcome"] != "resumed" or connected["attempt"] != 1:
        raise RuntimeError(f"no cut and no return as they were meant: {lost}, {connected}")
    return float(connected["at_ns"] - lost["at_ns"]) / 1e6


async def _lines(worker: WorkerProcess, kind: str, count: int) -> list[dict[str, Any]]:
    end_s = time.monotonic() + PATIENCE_S
    while len(found := worker.journal(kind)) < count:
        if time.monotonic() > end_s:
            raise TimeoutError(f"no {count} lines {kind} of {worker.name}; its log: {worker.log[-500:]}")
        await asyncio.sleep(LOOK_S)
    return found
