"""Authorization of the control API, for every route."""

from __future__ import annotations

from typing import cast

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request

from coordinator.control_api import ControlApi
from coordinator.control_auth import ControlAuth
from coordinator.server import CoordinatorServer
from tests.coordinator.live_coordinator import TOKEN
from tests.coordinator.test_control_api import Desk
from wire.control import CONTROL_PORT, OPEN_PATHS, authorization

Client = TestClient[web.Request, web.Application]
MINE = authorization(TOKEN)
APP = ControlApi(cast(CoordinatorServer, None), lambda: None, ControlAuth(TOKEN)).app()
CALLS = sorted(
    {(route.method, route.resource.canonical) for route in APP.router.routes() if route.resource}
    - {("HEAD", path) for path in ("/healthz", "/metrics", "/state", "/tasks")}
)
CLOSED = [call for call in CALLS if call[1] not in OPEN_PATHS]


class Served:
    """The control API of one core, and whether it was asked to drain."""

    def __init__(self) -> None:
        self.drained = False
        self.desk = Desk()
        self.desk.committer.let_go.set()
        control = ControlApi(cast(CoordinatorServer, self.desk), self.drain, ControlAuth(TOKEN))
        self.client: Client = TestClient(TestServer(control.app()))

    def drain(self) -> None:
        self.drained = True

    async def refused(self, method: str, path: str, **headers: str) -> int:
        """The status of a call that must change nothing."""
        body = b'{"tasks": [{"task_id": "a", "kind": "command", "params": {"argv": ["id"]}}]}'
        async with self.client:
            answer = await self.client.request(method, path, data=body, headers=headers)
            status = answer.status
        assert not self.drained
        assert self.desk.core.effects.take_rows() == []
        return status


def test_every_route_is_looked_at() -> None:
    assert CLOSED == [("GET", "/state"), ("GET", "/tasks"), ("POST", "/drain"), ("POST", "/tasks")]


@pytest.mark.parametrize(("method", "path"), CLOSED)
@pytest.mark.parametrize(
    "given", ["", TOKEN, "Bearer", "Bearer wrong", f"bearer {TOKEN}", f"Bearer {TOKEN}x", "é"]
)
async def test_nothing_is_done_without_the_token(method: str, path: str, given: str) -> None:
    headers = {"Authorization": given} if given else {}
    assert await Served().refused(method, path, **headers) == 401


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize(
    "host", ["evil.example", f"evil.example:{CONTROL_PORT}", "127.0.0.1.evil.example", ""]
)
async def test_a_name_that_was_pointed_at_this_machine_is_refused(method: str, path: str, host: str) -> None:
    assert await Served().refused(method, path, **MINE, Host=host) == 403


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:8766", "file://"])
async def test_no_page_of_a_browser_is_answered_even_with_the_token(
    method: str, path: str, origin: str
) -> None:
    assert await Served().refused(method, path, **MINE, Origin=origin) == 403


async def test_a_websocket_of_a_page_does_not_open() -> None:
    served = Served()
    async with served.client:
        for headers, status in (({"Origin": "http://evil.example"} | MINE, 403), ({}, 401)):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await served.client.ws_connect("/tasks", headers=headers)
            assert refused.value.status == status


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost:9001", "[::1]:8766", "192.168.1.5:8766", "coordinator:8766"]
)
async def test_the_driver_is_admitted_by_the_address_in_its_settings(host: str) -> None:
    served = Served()
    async with served.client:
        answer = await served.client.post("/drain", headers={**MINE, "Host": host})
        assert (answer.status, served.drained) == (202, True)


async def test_prometheus_and_the_health_check_need_no_token() -> None:
    served = Served()
    async with served.client:
        for host in ("coordinator:8766", "localhost"):
            assert (await served.client.get("/healthz", headers={"Host": host})).status == 200
    assert ControlAuth(TOKEN).refusal(_scrape()) is None


def _scrape() -> web.Request:
    return make_mocked_request("GET", "/metrics", headers={"Host": "coordinator:8766"})
