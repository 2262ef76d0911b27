"""The bare baseline of durable tasks: a plain `websockets` server with SQLite, and two plain clients.

    python -m benchmarks.contenders.bare serve FOLDER PORT BATCH
    python -m benchmarks.contenders.bare work PORT

It promises a caller what Stormlab promises: a submission is answered once its rows are on the disk (SQLite,
write-ahead log, synchronous FULL), a result is acknowledged once its row is, and all that gathers while one
transaction is written goes into the next (group commit, in a thread of its own). It runs on uvloop, with
deflate off and msgspec's MessagePack; a client has up to 512 tasks at hand, so it does not wait for a round
trip.

It leaves out the rest: sessions that outlive their connections, numbered and signed frames, leases and
fencing tokens, priorities, retries, journals, recovery. A client that dies takes its tasks with it.

BATCH is how many tasks go into one message at the most, and so how many results come back in one. With 1 it
is the loop that one writes first, a message a task.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import sqlite3
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path

import msgspec
import uvloop
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

AT_HAND = 512
SUBMIT, WORK, ECHO = "/submit", "/work", "/echo"


class Job(msgspec.Struct, array_like=True, gc=False):
    """A task, as it is submitted and handed out."""

    name: str
    kind: str
    params: bytes


class Done(msgspec.Struct, array_like=True, gc=False):
    """A result."""

    name: str
    output: bytes


_encode = msgspec.msgpack.encode
_jobs = msgspec.msgpack.Decoder(list[Job])
_results = msgspec.msgpack.Decoder(list[Done])


class Store:
    """Two tables. Each commit is one transaction, and on the disk when it returns."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute("CREATE TABLE jobs (name TEXT, kind TEXT, params BLOB)")
        self._database.execute("CREATE TABLE results (name TEXT, output BLOB)")

    def commit(self, jobs: list[Job], results: list[Done]) -> None:
        """Write all of them."""
        execute = self._database.execute
        execute("BEGIN")
        if jobs:
            self._database.executemany(
                "INSERT INTO jobs VALUES (?,?,?)", [(job.name, job.kind, job.params) for job in jobs]
            )
        if results:
            self._database.executemany(
                "INSERT INTO results VALUES (?,?)", [(done.name, done.output) for done in results]
            )
        execute("COMMIT")


class Server:
    """Takes jobs in, hands them out, keeps what comes back."""

    def __init__(self, store: Store, batch: int) -> None:
        self.completed = 0
        self._store = store
        self._batch = batch
        self._jobs: list[Job] = []
        self._results: list[Done] = []
        self._after: list[Callable[[], None]] = []
        self._waiting: deque[Job] = deque()
        self._gathered = asyncio.Event()
        self._changed: list[asyncio.Event] = []

    async def commit_for_ever(self) -> None:
        """Group commit."""
        while True:
            await self._gathered.wait()
            self._gathered.clear()
            jobs, results, after = self._jobs, self._results, self._after
            self._jobs, self._results, self._after = [], [], []
            await asyncio.to_thread(self._store.commit, jobs, results)
            self._waiting.extend(jobs)
            self.completed += len(results)
            for tell in after:
                tell()
            for changed in self._changed:
                changed.set()

    async def handle(self, link: ServerConnection) -> None:
        """One connection, by its path."""
        assert link.request is not None
        if link.request.path == ECHO:
            async for message in link:
                await link.send(message)
        elif link.request.path == SUBMIT:
            await self._submissions(link)
        else:
            await self._worker(link)

    async def _submissions(self, link: ServerConnection) -> None:
        """Answer a list of jobs with its length once it is durable; a number, once that many are done."""
        changed = asyncio.Event()
        self._changed.append(changed)
        async for message in link:
            if isinstance(message, str):
                while self.completed < int(message):
                    changed.clear()
                    await changed.wait()
                await link.send(message)
                continue
            jobs = _jobs.decode(message)
            durable = asyncio.Event()
            self._jobs += jobs
            self._after.append(durable.set)
            self._gathered.set()
            await durable.wait()
            await link.send(str(len(jobs)))

    async def _worker(self, link: ServerConnection) -> None:
        changed = asyncio.Event()
        self._changed.append(changed)
        state = {"room": AT_HAND, "acknowledged": 0}

        async def hand_out() -> None:
            told = 0
            while True:
                changed.clear()
                if state["acknowledged"] > told:
                    told = state["acknowledged"]
                    await link.send(str(told))
                while self._waiting and state["room"] > 0:
                    count = min(self._batch, state["room"], len(self._waiting))
                    state["room"] -= count
                    jobs = [self._waiting.popleft() for _ in range(count)]
                    await link.send(_encode(jobs))
                await changed.wait()

        handing_out = asyncio.ensure_future(hand_out())
        async for message in link:
            assert isinstance(message, bytes)
            results = _results.decode(message)
            self._results += results

            def durable(count: int = len(results)) -> None:
                state["acknowledged"] += count

            state["room"] += len(results)
            self._after.append(durable)
            self._gathered.set()
            if self._waiting:
                changed.set()
        handing_out.cancel()


async def serve_for_ever(folder: Path, port: int, batch: int) -> None:
    """The server's process."""
    server = Server(Store(folder / "bare.sqlite"), batch)
    listening = serve(server.handle, "127.0.0.1", port, compression=None, ping_interval=None, max_size=None)
    async with listening:
        await server.commit_for_ever()


async def work_for_ever(port: int) -> None:
    """A client's process: each task's result is kept until it is acknowledged."""
    kept: deque[Done] = deque()
    acknowledged = 0
    link = await connect(f"ws://127.0.0.1:{port}{WORK}", compression=None, ping_interval=None, proxy=None)
    async for message in link:
        if isinstance(message, str):
            for _ in range(int(message) - acknowledged):
                kept.popleft()
            acknowledged = int(message)
            continue
        results = [Done(job.name, b"null") for job in _jobs.decode(message)]
        kept.extend(results)
        await link.send(_encode(results))


def messages(count: int, prefix: str, each: int) -> list[bytes]:
    """The messages that submit `count` jobs, `each` in one."""
    names = (f"{prefix}-{number}" for number in range(count))
    return [
        _encode([Job(name, "noop", b"{}") for name in itertools.islice(names, each)])
        for _ in range(0, count, each)
    ]


def main() -> None:
    """One of the two processes."""
    gc.freeze()
    gc.set_threshold(50_000)
    if sys.argv[1] == "serve":
        uvloop.run(serve_for_ever(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
    else:
        uvloop.run(work_for_ever(int(sys.argv[2])))


if __name__ == "__main__":
    main()
