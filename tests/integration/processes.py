"""A real coordinator and real workers on this host, started, cut off and killed by a test; no container
needed.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from tests.waiting import eventually_answers
from tests.worker.process import ROOT, WorkerProcess, events_in
from tests.worker.small_coordinator import KEY
from wire.control import CoordinatorState, Submission, SubmissionReply, TaskSpec, authorization

TOKEN = "control" * 5


def free_port() -> int:
    """A port without a listener at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class CoordinatorProcess:
    """`python -m coordinator` on ports of its own; it keeps them, its store and its journal through a
    restart.
    """

    def __init__(self, **settings: Any) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="coordinator-test-")
        self.folder = Path(self._folder.name)
        self.port, self.control_port = free_port(), free_port()
        self._settings = {"admission_per_s": 1_000.0, "admission_burst": 100} | settings
        self.host = "127.0.0.1"
        self.process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> CoordinatorProcess:
        try:
            await self.start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()
        self._folder.cleanup()

    async def start(self) -> None:
        """Start it, or start it again, and wait until it listens."""
        environment = {
            **os.environ,
            "STORMLAB_KEY": KEY.hex(),
            "STORMLAB_CONTROL_TOKEN": TOKEN,
            "STORMLAB_COORDINATOR": json.dumps(self._settings),
            "STORMLAB_LISTEN": self.host,
            "JOURNAL_DIR": str(self.folder),
            "STORE_DIR": str(self.folder),
            "COORDINATOR_PORT": str(self.port),
            "CONTROL_PORT": str(self.control_port),
        }
        log = os.open(self.folder / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "coordinator", cwd=ROOT, env=environment, stderr=log
            )
        finally:
            os.close(log)
        await eventually_answers(self._is_up, "a coordinator that answers", 60)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    async def ended(self, within_s: float = 60.0) -> int:
        """Wait for its end; returns the exit code."""
        assert self.process is not None
        async with asyncio.timeout(within_s):
            return await self.process.wait()

    async def kill(self) -> None:
        """`kill -9`."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def submit(
        self, kind: str, params: object = None, *, count: int = 1, prefix: str = "t", **more: Any
    ) -> None:
        """Submit tasks `t-0`, `t-1`, …; they are durable when this returns."""
        raw = msgspec.Raw(msgspec.json.encode(params or {}))
        tasks = [
            TaskSpec(task_id=f"{prefix}-{number}", kind=kind, params=raw, **more) for number in range(count)
        ]
        answer = await self._ask("POST", "/tasks", msgspec.json.encode(Submission(tasks)))
        taken = msgspec.json.decode(answer, type=SubmissionReply)
        assert not taken.refused, taken

    async def state(self) -> CoordinatorState:
        """Read the coordinator's state."""
        return msgspec.json.decode(await self._ask("GET", "/state"), type=CoordinatorState)

    async def done(self, count: int, within_s: float = 120.0) -> CoordinatorState:
        """Wait until `count` tasks are completed or failed."""
        last: CoordinatorState | None = None

        async def state_then() -> CoordinatorState | None:
            nonlocal last
            last = await self.state()
            counts = last.counts
            books = counts.completed + counts.failed + counts.waiting + counts.assigned
            assert counts.submitted == books, counts
            return last if counts.completed + counts.failed >= count else None

        return await eventually_answers(state_then, lambda: f"{count} tasks done; found {last}", within_s)

    @property
    def log(self) -> str:
        """What it wrote for people."""
        return (self.folder / "log").read_text()

    def journal(self, *kinds: str) -> list[dict[str, Any]]:
        """Its events of these kinds, or all."""
        every = events_in(self.folder / "coordinator.jsonl")
        return [event for event in every if not kinds or event["event"] in kinds]

    async def _is_up(self) -> bool:
        try:
            await self._ask("GET", "/healthz")
        except aiohttp.ClientError:
            return False
        return True

    async def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        url = f"http://127.0.0.1:{self.control_port}{path}"
        limit = aiohttp.ClientTimeout(total=10)
        async with (
            aiohttp.ClientSession(timeout=limit) as http,
            http.request(method, url, data=body, headers=authorization(TOKEN)) as answer,
        ):
            assert answer.status == 200, await answer.text()
            return await answer.read()


class Relay:
    """A link between a worker and the coordinator that a test can stall (both ways, without a word) or
    cut.
    """

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.port = 0
        self.spoil: Callable[[bytes], bytes] = lambda data: data
        self._open = asyncio.Event()
        self._open.set()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Relay:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def stall(self) -> None:
        """Let nothing through; connections stay open, and new ones are taken."""
        self._open.clear()

    def heal(self) -> None:
        """Let everything through again, what was held first."""
        self._open.set()

    def cut(self) -> None:
        """End every connection."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            other_reader, other_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            writer.transport.abort()
            return
        for source, sink in ((reader, other_writer), (other_reader, writer)):
            task = asyncio.ensure_future(self._pump(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        self._writers.add(sink)
        try:
            while data := await source.read(65_536):
                await self._open.wait()
                sink.write(self.spoil(data))
                await sink.drain()
        except OSError:
            pass
        finally:
            await self._open.wait()
            self._writers.discard(sink)
            sink.close()


def check_books(coordinator: CoordinatorProcess, tasks: int) -> None:
    """Every task that was submitted has exactly one counted result."""
    counted = [event["task"] for event in coordinator.journal("task_done")]
    assert len(counted) == len(set(counted)) == tasks


def check_acknowledged(coordinator: CoordinatorProcess, workers: list[WorkerProcess]) -> None:
    """Every acknowledged result was counted, or refused with a reason: nothing acknowledged is lost."""
    counted = {(event["task"], event["token"]) for event in coordinator.journal("task_done")}
    refused = {(event["task"], event["token"]) for event in coordinator.journal("result_refused")}
    for worker in workers:
        for event in worker.journal("result_acknowledged"):
            key = (event["task"], event["token"])
            assert key in counted or key in refused, key
