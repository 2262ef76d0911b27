"""Talking to the coordinator: typed, bounded, every failure a sentence."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from driver.reference.coordinator_client import CoordinatorClient
from driver.reference.errors import CoordinatorError
from tests.waiting import forever
from wire.control import Submission, SubmissionReply, TaskSpec

TOKEN = "control" * 5


async def take(request: web.Request) -> web.Response:
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    submission = msgspec.json.decode(await request.read(), type=Submission)
    return web.Response(body=msgspec.json.encode(SubmissionReply(len(submission.tasks), 0, [])))


async def no_answer(_: web.Request) -> web.Response:
    await forever()
    return web.Response()


async def refuse(_: web.Request) -> web.Response:
    return web.Response(status=503, text="draining")


@pytest.fixture
async def client() -> AsyncIterator[CoordinatorClient]:
    app = web.Application()
    app.add_routes([web.post("/tasks", take), web.get("/healthz", no_answer), web.get("/state", refuse)])
    async with TestServer(app) as server:
        assert server.port is not None
        async with CoordinatorClient("127.0.0.1", server.port, TOKEN) as one:
            yield one


async def test_tasks_are_handed_in_as_they_are_typed(client: CoordinatorClient) -> None:
    tasks = [
        TaskSpec(task_id="a", kind="noop"),
        TaskSpec(task_id="b", kind="sleep", params=msgspec.Raw(b'{"sleep_ms":5}')),
    ]
    assert (await client.submit(tasks)).accepted == 2


async def test_an_error_status_is_an_error_with_its_text(client: CoordinatorClient) -> None:
    with pytest.raises(CoordinatorError, match="refused GET /state with 503: draining"):
        await client.state()


async def test_no_call_waits_for_ever() -> None:
    app = web.Application()
    app.add_routes([web.get("/healthz", no_answer)])
    async with TestServer(app) as server:
        assert server.port is not None
        async with CoordinatorClient("127.0.0.1", server.port, TOKEN, call_timeout_s=0.1) as slow:
            with pytest.raises(CoordinatorError, match="does not answer GET /healthz"):
                await slow.health()


async def test_a_port_without_a_listener_is_an_error_with_a_hint() -> None:
    async with CoordinatorClient("127.0.0.1", 9, TOKEN) as nobody:
        with pytest.raises(CoordinatorError, match="See: python lab"):
            await nobody.state()
