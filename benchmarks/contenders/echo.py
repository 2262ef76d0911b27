"""A bare `websockets` echo on the path of a task: client → server → worker → server → client; nothing else.

    python -m benchmarks.contenders.echo serve FOLDER PORT DURABLE
    python -m benchmarks.contenders.echo work PORT

One message goes the whole way and comes back as it is, over the same three processes and as many sockets as
a task of ours, on uvloop, with deflate off. With DURABLE 1 the server writes each message into SQLite
(write-ahead log, synchronous FULL) on its way back, before it passes it on, in a thread of its own: what a
task of ours has to wait for too.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

from benchmarks.affinity import FIRST, SECOND
from benchmarks.contenders.processes import Contender, answers, start, wait_until
from benchmarks.ports import free_port

CLIENT, WORKER = "/client", "/worker"
MESSAGE = b'{"tasks":[{"task_id":"0-1234","kind":"noop"}]}'
LIMIT_S = 30
WARM_UP = 200
PAUSE_S = 0.001
"""Before each trip of any contender, so that what the last one left to do is over: the system is idle."""


class Echo(Contender):
    """Runs inside `with`; idle between measurements."""

    def __init__(self, *, durable: bool) -> None:
        self._durable = durable
        self._loop = uvloop.new_event_loop()

    def trips_s(self, count: int) -> list[float]:
        """How long each of `count` messages took, each after a pause, as every contender does it."""
        return self._loop.run_until_complete(asyncio.wait_for(self._trips(count), LIMIT_S))

    async def _trips(self, count: int) -> list[float]:
        took_s = []
        for _ in range(count):
            await asyncio.sleep(PAUSE_S)
            began_s = time.monotonic()
            await self._link.send(MESSAGE)
            await self._link.recv()
            took_s.append(time.monotonic() - began_s)
        return took_s

    def _start(self, ends: ExitStack) -> None:
        folder = ends.enter_context(tempfile.TemporaryDirectory(prefix="bench-echo-"))
        port = free_port()
        start(ends, FIRST, "benchmarks.contenders.echo", "serve", folder, str(port), str(int(self._durable)))
        wait_until(lambda: answers(port), "the echo's server listens")
        start(ends, SECOND, "benchmarks.contenders.echo", "work", str(port))
        ends.callback(self._loop.close)
        self._link = self._loop.run_until_complete(_dial(port, CLIENT))
        ends.callback(lambda: self._loop.run_until_complete(self._link.close()))
        self.trips_s(WARM_UP)


async def _dial(port: int, path: str) -> ClientConnection:
    return await connect(f"ws://127.0.0.1:{port}{path}", compression=None, ping_interval=None, proxy=None)


async def serve_for_ever(database: sqlite3.Connection | None, port: int) -> None:
    """The server's process. Passes what the client says to the worker, and back."""
    loop = asyncio.get_running_loop()
    thread = ThreadPoolExecutor(1)
    links: dict[str, asyncio.Future[ServerConnection]] = {
        path: loop.create_future() for path in (CLIENT, WORKER)
    }

    async def handle(link: ServerConnection) -> None:
        assert link.request is not None
        path = link.request.path
        links[path].set_result(link)
        other = await links[WORKER if path == CLIENT else CLIENT]
        async for message in link:
            if database is not None and path == WORKER:
                row = ("INSERT INTO messages VALUES (?)", (message,))
                await loop.run_in_executor(thread, database.execute, *row)
            await other.send(message)

    async with serve(handle, "127.0.0.1", port, compression=None, ping_interval=None) as server:
        await server.serve_forever()


async def work_for_ever(port: int) -> None:
    """The worker's process: it sends back what it gets."""
    link = await _dial(port, WORKER)
    async for message in link:
        await link.send(message)


def open_database(path: Path) -> sqlite3.Connection:
    """One table; each insertion is a transaction, on the disk when it returns."""
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE messages (message BLOB)")
    return database


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        kept = open_database(Path(sys.argv[2]) / "echo.sqlite") if sys.argv[4] == "1" else None
        uvloop.run(serve_for_ever(kept, int(sys.argv[3])))
    else:
        uvloop.run(work_for_ever(int(sys.argv[2])))
