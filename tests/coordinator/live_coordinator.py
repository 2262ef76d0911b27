"""A coordinator as a process of its own, on ports of the kernel's choice, and its control API."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.waiting import eventually, eventually_answers
from tests.worker.process import events_in
from wire.control import authorization

KEY = bytes.fromhex("42" * 32)
TOKEN = "control" * 5
ROOT = Path(__file__).parents[2]
DEADLINE_S = 20


class LiveCoordinator:
    """The coordinator's process. `kill` and `start` again give it another life over the same disk."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.settings = settings
        self.port = 0
        self.control_port = 0
        self.said: list[str] = []
        self.process: asyncio.subprocess.Process
        self._reading: asyncio.Task[None]

    async def start(self) -> None:
        environment = {
            **os.environ,
            "STORMLAB_KEY": KEY.hex(),
            "STORMLAB_CONTROL_TOKEN": TOKEN,
            "STORMLAB_COORDINATOR": json.dumps({"admission_burst": 1_000, **self.settings}),
            "STORMLAB_LISTEN": "127.0.0.1",
            "JOURNAL_DIR": str(self.folder),
            "STORE_DIR": str(self.folder),
            "COORDINATOR_PORT": str(self.port),
            "CONTROL_PORT": str(self.control_port),
        }
        self.said = []
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "coordinator", cwd=ROOT, env=environment, stderr=asyncio.subprocess.PIPE
        )
        self._reading = asyncio.create_task(self._read())
        self.port = int(await self.said_port(r"listening on .*:(\d+)"))
        self.control_port = int(await self.said_port(r"control on .*:(\d+)"))

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.said.append(line.decode().rstrip())

    async def said_port(self, pattern: str) -> str:
        def port() -> str | None:
            assert self.process.returncode is None, self.said
            return next((found[1] for line in self.said if (found := re.search(pattern, line))), None)

        return await eventually(port, lambda: f"{pattern} in {self.said}", DEADLINE_S)

    async def kill(self) -> None:
        self.process.kill()
        await self.ended()

    async def terminate(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self) -> int:
        code = await asyncio.wait_for(self.process.wait(), DEADLINE_S)
        await self._reading
        return code

    # -- the control API -----------------------------------

    async def ask(
        self, method: str, path: str, data: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """As the driver does; `headers` go instead of the token."""
        url = f"http://127.0.0.1:{self.control_port}{path}"
        headers = authorization(TOKEN) if headers is None else headers
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(method, url, data=data) as answer,
        ):
            return answer.status, await answer.read()

    async def submit(self, *names: str, **fields: Any) -> dict[str, Any]:
        tasks = [{"task_id": name, "kind": "noop", **fields} for name in names]
        status, body = await self.ask("POST", "/tasks", json.dumps({"tasks": tasks}).encode())
        assert status == 200, body
        answer: dict[str, Any] = json.loads(body)
        return answer

    async def state(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads((await self.ask("GET", "/state"))[1])
        return answer

    async def wait_counts(self, **wanted: int) -> dict[str, int]:
        """Return the task counts, once they match."""

        async def counts() -> dict[str, int] | None:
            found: dict[str, int] = (await self.state())["counts"]
            return found if wanted.items() <= found.items() else None

        return await eventually_answers(counts, f"counts with {wanted}", DEADLINE_S)

    # -- the journal ---------------------------------------

    async def wait_events(self, event: str, count: int = 1) -> list[dict[str, Any]]:
        """Return the journal's lines of one event, once there are `count`."""

        def lines() -> list[dict[str, Any]] | None:
            found = self.events_of(event)
            return found if len(found) >= count else None

        return await eventually(lines, f"{count} of {event}", DEADLINE_S)

    def events_of(self, event: str) -> list[dict[str, Any]]:
        return [found for found in events_in(self.folder / "coordinator.jsonl") if found["event"] == event]


@asynccontextmanager
async def coordinator(folder: Path, **settings: Any) -> AsyncIterator[LiveCoordinator]:
    """A coordinator that is up, and gone afterwards."""
    running = LiveCoordinator(folder, **settings)
    await running.start()
    try:
        yield running
    finally:
        if running.process.returncode is None:
            await running.kill()
