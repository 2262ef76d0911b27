"""The dashboard's server: which requests it admits, and what they do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request

from driver.cli.dashboard import serve
from driver.cli.reference.lab_page import lab_page
from driver.dashboard.auth import RequestAuth
from driver.dashboard.run_history import RunHistory
from driver.engines.engine import Container, LabSpec
from driver.reference.dashboard.dashboard import Dashboard
from driver.reference.dashboard.lab_monitor import LabMonitor
from driver.reference.dashboard.server import make_app
from tests.driver.fakes import SPEC, FakeEngine
from tests.driver.judge.histories import small
from tests.waiting import eventually_answers

TOKEN = "token-of-the-test"
Client = TestClient[web.Request, web.Application]


@dataclass
class EmptyEngine(FakeEngine):
    """An engine without a lab."""

    def existing_spec(self) -> LabSpec | None:
        return None


def opened(engine: FakeEngine, results: Path, read_only: bool = False) -> tuple[TestServer, RequestAuth]:
    auth = RequestAuth(TOKEN, "127.0.0.1")
    dashboard = Dashboard(LabMonitor(engine), read_only)
    return TestServer(make_app(dashboard, RunHistory(results), auth, read_only)), auth


async def client_of(engine: FakeEngine, results: Path, read_only: bool = False) -> Client:
    server, auth = opened(engine, results, read_only)
    client: Client = TestClient(server)
    await client.start_server()
    assert server.port is not None
    auth.set_port(server.port)
    return client


async def lab_of(client: Client, known: str) -> dict[str, Any]:
    """What is said of the lab, once it was looked for."""

    async def ask() -> dict[str, Any] | None:
        found: dict[str, Any] = (await (await client.get("/api/snapshot")).json())["lab"]
        return found if found[known] else None

    return await eventually_answers(ask, f"a lab with {known}")


@pytest.fixture
async def stranger(tmp_path: Path) -> AsyncIterator[Client]:
    """A client without the token."""
    client = await client_of(EmptyEngine(), tmp_path)
    yield client
    await client.close()


@pytest.fixture
async def guest(stranger: Client) -> Client:
    """The client after it has sent the token."""
    assert (await stranger.get("/", params={"token": TOKEN})).status == 200
    return stranger


@pytest.mark.parametrize(
    "path", ["/", "/page/app.js", "/api/snapshot", "/api/stream", "/api/runs", "/runs/x/report.html"]
)
async def test_no_client_is_admitted_without_the_token(stranger: Client, path: str) -> None:
    answer = await stranger.get(path)
    assert answer.status == 403
    assert "token" in (await answer.json())["error"]
    assert (await stranger.get(path, params={"token": "another"})).status == 403


async def test_the_token_becomes_a_cookie_and_leaves_the_address(guest: Client) -> None:
    answer = await guest.get("/")
    assert answer.status == 200
    assert "token" not in str(answer.url)
    assert "Stormlab" in await answer.text()
    cookie = next(iter(guest.session.cookie_jar))
    assert (cookie["samesite"], cookie["httponly"]) == ("Strict", True)


async def test_a_page_elsewhere_can_start_nothing(guest: Client) -> None:
    answer = await guest.post("/api/heal", json={}, headers={"Origin": "http://evil.example"})
    assert answer.status == 403
    assert "own page" in (await answer.json())["error"]
    assert (await guest.get("/api/stream", headers={"Origin": "null"})).status == 403


async def test_a_name_that_was_pointed_at_this_machine_is_refused(guest: Client) -> None:
    answer = await guest.get("/api/snapshot", headers={"Host": "evil.example"})
    assert answer.status == 403
    assert "evil.example" in (await answer.json())["error"]


@pytest.mark.parametrize(
    ("host", "because"),
    [
        ("evil.example:8600", "does not answer to the name 'evil.example:8600'"),
        ("10.0.0.7:8600", "the token is missing"),
        ("lab.example:8600", "the token is missing"),
    ],
)
def test_one_that_is_open_to_other_machines_answers_to_its_own_names_alone(host: str, because: str) -> None:
    auth = RequestAuth(TOKEN, "lab.example")
    auth.set_port(8600)
    assert because in auth.refusal(make_mocked_request("GET", "/", headers={"Host": host}))


async def test_nothing_but_the_own_page_s_scripts_may_run(guest: Client) -> None:
    policy = (await guest.get("/")).headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


async def test_every_file_that_the_page_names_is_served(guest: Client) -> None:
    page = await (await guest.get("/")).text()
    names = re.findall(r'(?:src|href)="(/page/[^"]+)"', page)
    assert len(names) > 5
    assert [(await guest.get(name)).status for name in names] == [200] * len(names)


async def test_without_a_lab_it_says_how_to_start_one(guest: Client) -> None:
    found = await lab_of(guest, "hint")
    assert found["state"] == "none"
    assert "python lab.py up" in found["hint"]
    refused = await guest.post("/api/inject", json={"fault": "refuse"})
    assert refused.status == 409


async def test_what_cannot_be_answered_is_one_sentence_too(guest: Client) -> None:
    for method, path, status in (("GET", "/nothing", 404), ("PUT", "/api/snapshot", 405)):
        answer = await guest.request(method, path)
        assert (answer.status, list(await answer.json())) == (status, ["error"])
    broken = await guest.post("/api/heal", data=b"\xff{")
    assert (broken.status, await broken.json()) == (422, {"error": "expected JSON"})


async def test_read_only_changes_nothing(tmp_path: Path) -> None:
    client = await client_of(EmptyEngine(), tmp_path, read_only=True)
    try:
        await client.get("/", params={"token": TOKEN})
        for path in ("/api/inject", "/api/heal", "/api/scenarios/start", "/api/scenarios/stop"):
            answer = await client.post(path, json={})
            assert answer.status == 403
            assert "--read-only" in (await answer.json())["error"]
        assert (await (await client.get("/api/snapshot")).json())["read_only"] is True
    finally:
        await client.close()


async def test_the_runs_that_are_kept_are_listed_and_no_other_file_is_served(tmp_path: Path) -> None:
    results = tmp_path / "results"
    folder = results / "20261124T010203Z-herd"
    small().write(folder)
    (tmp_path / "secret").write_text("secret")
    client = await client_of(EmptyEngine(), results)
    try:
        await client.get("/", params={"token": TOKEN})
        found = await (await client.get("/api/runs")).json()
        assert [run["run"] for run in found["runs"]] == [folder.name]
        for path in ("/runs/%2e%2e/secret", "/runs/..%2fresults/secret", f"/runs/{folder.name}/run.json"):
            assert (await client.get(path)).status in (404, 422)
    finally:
        await client.close()


@dataclass
class StandingEngine(FakeEngine):
    """Five workers, whose journals are in a folder."""

    folder: Path = Path()

    def existing_spec(self) -> LabSpec | None:
        return replace(SPEC, journals=self.folder)

    def containers(self) -> list[Container]:
        return [
            Container(f"worker-{index}", "worker", f"id-{index}", "image", "running", "")
            for index in range(1, 6)
        ]


async def test_a_preview_names_its_targets_and_a_wrong_field_is_named_too(tmp_path: Path) -> None:
    engine = StandingEngine(folder=tmp_path)
    server, auth = opened(engine, tmp_path)
    client: Client = TestClient(server)
    await client.start_server()
    try:
        assert server.port is not None
        auth.set_port(server.port)
        await client.get("/", params={"token": TOKEN})
        await lab_of(client, "workers")
        form = {"fault": "latency", "params": {"mean": "200ms"}, "targets": "2,4-5", "for": "5s", "seed": 3}
        found = await (await client.post("/api/preview", json=form)).json()
        assert found["hits"] == ["worker-2", "worker-4", "worker-5"]
        assert found["spares"] == 2
        assert found["command"] == (
            "python lab.py inject latency --workers 2,4-5 --mean 200ms --for 5s --seed 3 --project fake"
        )
        for wrong, field in (
            ({"params": {"mean": "200"}}, "mean"),
            ({"targets": "9"}, "targets"),
            ({"for": "soon"}, "for"),
            ({"fault": "latncy"}, ""),
        ):
            answer = await client.post("/api/preview", json={**form, **wrong})
            assert (answer.status, (await answer.json())["field"]) == (422, field)
    finally:
        await client.close()


@dataclass
class BrokenEngine(FakeEngine):
    """An engine whose answer is an unexpected error."""

    def existing_spec(self) -> LabSpec | None:
        raise RuntimeError("a defect in the watching")


async def test_watching_that_breaks_ends_the_server_with_its_error(tmp_path: Path) -> None:
    page = lab_page(BrokenEngine(), read_only=True, results=tmp_path)
    with pytest.raises(RuntimeError, match="a defect in the watching"):
        await asyncio.wait_for(serve(page, "127.0.0.1", 0), 10)
