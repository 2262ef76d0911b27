"""The control API over a core and a disk that is as slow as a test wants."""

from __future__ import annotations

import asyncio
import json
from typing import cast

from aiohttp.test_utils import TestClient, TestServer

from coordinator.control_api import ControlApi
from coordinator.control_auth import ControlAuth
from coordinator.result_waiters import ResultWaiters
from coordinator.server import CoordinatorServer
from tests.coordinator.harness import CoordinatorHarness
from tests.coordinator.live_coordinator import TOKEN
from wire.control import authorization


class SlowDisk:
    """A committer that reports rows as durable when the test allows it."""

    def __init__(self) -> None:
        self.asked, self.let_go = asyncio.Event(), asyncio.Event()

    async def durable(self) -> None:
        self.asked.set()
        await self.let_go.wait()


class Desk:
    """The server's part that the API uses."""

    def __init__(self) -> None:
        self.core = CoordinatorHarness().core
        self.result_waiters = ResultWaiters()
        self.committer = SlowDisk()

    def act(self) -> None: ...


async def test_a_submission_is_answered_when_the_disk_has_it_and_no_sooner() -> None:
    desk = Desk()
    app = ControlApi(cast(CoordinatorServer, desk), lambda: None, ControlAuth(TOKEN)).app()
    body = json.dumps({"tasks": [{"task_id": "a", "kind": "noop"}]})
    async with TestClient(TestServer(app)) as client, asyncio.timeout(10):
        answer = asyncio.create_task(client.post("/tasks", data=body, headers=authorization(TOKEN)))
        asked = asyncio.create_task(desk.committer.asked.wait())
        await asyncio.wait((answer, asked), return_when=asyncio.FIRST_COMPLETED)
        assert not answer.done()
        desk.committer.let_go.set()
        assert (await answer).status == 200
