"""What the dashboard costs its machine, and how late it is, at 200 workers' worth of events.

Measured: the processor time of the real server (a process of its own) while it follows the journals of 200
workers (2,000 lines a second: tasks, losses, attempts) for three viewers, one of which never reads; and the
time from a line being written to a viewer having read it. Against: the same server with nothing to follow,
and the typical line. Fair, because the first shows what the following adds and the second how far the late
ones fall behind; what must be reached is absolute: 5 % of a core, and a second.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

import aiohttp
import msgspec

from benchmarks.pairs import estimate
from benchmarks.processor_time import cpu_s
from benchmarks.row import Row, at_most
from wire import events, task_events
from wire.events import Event

ROOT = Path(__file__).resolve().parent.parent
SERVER = "benchmarks.dashboard_server"
TICK_S = 0.05
STAMP_EVERY_S = 0.5
WORKERS, RATE_PER_S = 200, 2_000
IDLE_S, BUSY_S, QUICK_S = 8.0, 20.0, 2.0


class Writer:
    """The journals of a lab that is not there."""

    def __init__(self, folder: Path, workers: int, rate_per_s: float) -> None:
        self._files: dict[str, IO[bytes]] = {
            name: (folder / f"{name}.jsonl").open("ab", buffering=0)
            for name in ("coordinator", *(f"worker-{number}" for number in range(1, workers + 1)))
        }
        self._workers = workers
        self._rate = rate_per_s
        self._number = 0
        self._chance = random.Random(1)
        self.stamps: dict[str, float] = {}

    def start(self) -> None:
        """Every worker is connected."""
        for name in self._files:
            role = "coordinator" if name == "coordinator" else "worker"
            raw = msgspec.Raw(b"{}")
            self.write(name, events.ProcessStarted, role=role, incarnation=name, settings=raw)
            if role == "worker":
                self._connect(name)

    async def run(self, for_s: float) -> None:
        """Write at the rate. Seven lines a task, of which three say something; now and then a way back."""
        ends = time.monotonic() + for_s
        due = time.monotonic()
        stamped = 0.0
        while (now := time.monotonic()) < ends:
            while due < now:
                due += 7 / self._rate
                self._task()
            if now - stamped > STAMP_EVERY_S:
                stamped = now
                stamp = f"stamp-{len(self.stamps)}"
                self.stamps[stamp] = time.monotonic()
                self.write("coordinator", events.WorkerGone, worker="worker-1", session="old", reason=stamp)
            await asyncio.sleep(TICK_S)

    def write(self, by: str, kind: type[Event], /, **fields: object) -> None:
        """One line."""
        event = kind(at_ns=time.monotonic_ns(), wall_s=time.time(), by=by, **fields)
        self._files[by].write(msgspec.json.encode(event) + b"\n")

    def _task(self) -> None:
        self._number += 1
        task, token = f"task-{self._number:06d}", self._number
        worker = f"worker-{self._chance.randrange(self._workers) + 1}"
        self.write(
            "coordinator",
            task_events.TaskSubmitted,
            task=task,
            priority="normal",
            intended_ns=time.monotonic_ns(),
        )
        self.write("coordinator", task_events.Assigned, task=task, token=token, worker=worker, attempt=1)
        self.write(worker, task_events.AssignmentReceived, task=task, token=token, attempt=1)
        self.write(worker, task_events.Started, task=task, token=token)
        self.write(worker, task_events.Finished, task=task, token=token, error="", took_ms=1.0)
        done = {
            "task": task,
            "token": token,
            "worker": worker,
            "outcome": "completed",
            "error": "",
            "attempts": 1,
        }
        self.write("coordinator", task_events.TaskDone, **done)
        self.write(worker, task_events.ResultAcknowledged, task=task, token=token)
        if self._number % 100 == 0:
            self.write(worker, events.ConnectionLost, session=worker, kind="closed", detail="", silent_ms=1.0)
            self._connect(worker)

    def _connect(self, worker: str) -> None:
        self.write(worker, events.Connecting, attempt=1)
        told = {"session": worker, "epoch": 1, "outcome": "resumed", "because": ""}
        self.write("coordinator", events.WorkerJoined, worker=worker, **told)
        self.write(worker, events.Connected, attempt=1, handshake_ms=1.0, replayed=0, **told)


@asynccontextmanager
async def server(folder: Path) -> AsyncIterator[tuple[Process, str]]:
    """The real server over a folder of journals, and its address."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", SERVER, str(folder), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield process, (await process.stdout.readline()).decode().strip()
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 10)


async def follow(address: str, stamps: dict[str, float], lags_s: list[float]) -> None:
    """A viewer that reads; it notes how late each stamp is."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        async with session.get(address) as page:
            page.raise_for_status()
        stream = f"{address.partition('/?')[0]}/api/stream"
        async with session.get(
            stream, timeout=aiohttp.ClientTimeout(total=None), read_bufsize=1 << 24
        ) as answer:
            seen: set[str] = set()
            async for line in answer.content:
                now = time.monotonic()
                if line.startswith(b"data: "):
                    for event in msgspec.json.decode(line[6:]).get("events", ()):
                        stamp = event["text"].rpartition(" ")[2]
                        if stamp in stamps and stamp not in seen:
                            seen.add(stamp)
                            lags_s.append(now - stamps[stamp])


async def stall(address: str) -> None:
    """A viewer that opens the stream and never reads it."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        async with session.get(address) as page:
            page.raise_for_status()
        async with session.get(f"{address.partition('/?')[0]}/api/stream", read_bufsize=1024):
            await asyncio.Event().wait()


async def measure(workers: int, rate_per_s: float, for_s: float) -> tuple[float, list[float]]:
    """The server's share of a core, and the lags of the viewers that read."""
    with tempfile.TemporaryDirectory() as folder:
        writer = Writer(Path(folder), workers, rate_per_s)
        writer.start()
        async with server(Path(folder)) as (process, address):
            lags_s: list[float] = []
            viewers = [
                asyncio.create_task(one)
                for one in (
                    follow(address, writer.stamps, lags_s),
                    follow(address, writer.stamps, lags_s),
                    stall(address),
                )
            ]  # fmt: skip
            await asyncio.sleep(2)
            before_s, began = cpu_s(process.pid), time.monotonic()
            await (writer.run(for_s) if rate_per_s else asyncio.sleep(for_s))
            share = (cpu_s(process.pid) - before_s) / (time.monotonic() - began)
            await asyncio.sleep(1)
            for viewer in viewers:
                viewer.cancel()
            told = await asyncio.gather(*viewers, return_exceptions=True)
            for one in told:
                if isinstance(one, Exception):
                    raise one
        return share, lags_s


def rows(*, quick: bool) -> list[Row]:
    """Two rows."""
    idle_s, busy_s = (QUICK_S, QUICK_S) if quick else (IDLE_S, BUSY_S)
    idle, _ = asyncio.run(measure(WORKERS, 0, idle_s))
    busy, lags_s = asyncio.run(measure(WORKERS, RATE_PER_S, busy_s))
    lags_s.sort()
    late_s = lags_s[min(len(lags_s) - 1, int(len(lags_s) * 0.99))]
    return [
        Row(
            measure=f"dashboard's processor time, {WORKERS} workers, {RATE_PER_S:,} events/s, 3 viewers",
            baseline="nothing happens", unit="% of a core", ours=estimate([busy * 100]),
            theirs=estimate([idle * 100]), figure=estimate([busy * 100]), figure_unit="%", must=at_most(5),
            cores="not pinned", rounds=1,
        ),
        Row(
            measure="a line's way to a viewer, p99", baseline="p50", unit="s", ours=estimate([late_s]),
            theirs=estimate(lags_s), figure=estimate([late_s]), figure_unit="s", must=at_most(1),
            remark=f"{len(lags_s)} stamps", cores="not pinned", rounds=1,
        ),
    ]  # fmt: skip
