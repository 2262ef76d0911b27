"""The page of a foreign system: which requests its server admits, what it shows, and what it starts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from driver.dashboard.auth import RequestAuth
from driver.dashboard.jobs import Job, Jobs
from driver.dashboard.system_dashboard import SystemDashboard
from driver.dashboard.system_form import system_catalogue
from driver.dashboard.system_monitor import SystemMonitor
from driver.dashboard.system_server import make_system_app
from driver.errors import NoLabError
from driver.systems.running_system import RunningSystem
from driver.systems.system import SystemService
from tests.driver.dashboard.systems import ALWAYS_NS, replica, system_of
from tests.driver.judge.door_journal import LINK
from tests.driver.judge.test_link_history import cut
from tests.waiting import eventually_answers

TOKEN = "token-of-the-test"
SERVICES = (SystemService("api"), SystemService("db", ports=(5432,)))
Client = TestClient[web.Request, web.Application]


class Started(Jobs):
    """Jobs that are noted and not run."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[str]] = []

    def start(self, words: Any) -> Job | None:
        self.asked.append(list(words))
        return Job(len(self.asked), words)


class Page:
    """A page of a system, which `is_up` takes away, and the client that has its token."""

    def __init__(self, system: RunningSystem, read_only: bool = False) -> None:
        self.is_up = True
        self._system = system
        monitor = SystemMonitor("doors-x", self._running, ALWAYS_NS)
        self.dashboard = SystemDashboard(monitor, "compose.yaml", read_only)
        self.jobs = self.dashboard.jobs = Started()
        self.auth = RequestAuth(TOKEN, "127.0.0.1")
        self.server = TestServer(make_system_app(self.dashboard, self.auth, read_only))
        self.client: Client = TestClient(self.server)

    def _running(self) -> RunningSystem:
        if not self.is_up:
            raise NoLabError("The system compose.yaml is not up.", "Start it: up")
        return self._system

    async def open(self) -> None:
        await self.client.start_server()
        assert self.server.port is not None
        self.auth.set_port(self.server.port)

    async def state(self, wanted: str) -> dict[str, Any]:
        """The state, once the system is `up`, `gone` or `none`."""

        async def ask() -> dict[str, Any] | None:
            found: dict[str, Any] = await (await self.client.get("/api/snapshot")).json()
            return found if found["lab"]["state"] == wanted else None

        return await eventually_answers(ask, f"a system that is {wanted}")


def shop(folder: Path) -> RunningSystem:
    journals = cut().write(folder / "lab") / "journals"
    return system_of(journals, [LINK, "outside->api:80"], SERVICES, [replica("api"), replica("db")])


@pytest.fixture
async def stranger(tmp_path: Path) -> AsyncIterator[Page]:
    """A page whose token was not sent."""
    page = Page(shop(tmp_path))
    await page.open()
    yield page
    await page.client.close()


@pytest.fixture
async def page(stranger: Page) -> Page:
    assert (await stranger.client.get("/", params={"token": TOKEN})).status == 200
    return stranger


@pytest.mark.parametrize("path", ["/", "/page/system.js", "/api/snapshot", "/api/stream", "/api/faults"])
async def test_without_the_token_nothing_is_answered(stranger: Page, path: str) -> None:
    assert (await stranger.client.get(path)).status == 403


@pytest.mark.parametrize("header", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}])
async def test_another_site_can_start_nothing(page: Page, header: dict[str, str]) -> None:
    answer = await page.client.post("/api/inject", json={"fault": "stall"}, headers=header)
    assert answer.status == 403
    assert page.jobs.asked == []


async def test_the_state_has_links_containers_and_faults(page: Page) -> None:
    state = await page.state("up")
    assert [one["name"] for one in state["links"]] == [LINK, "outside->api:80"]
    assert [one["name"] for one in state["containers"]] == ["api[1]", "db[1]"]
    assert [(one["id"], one["kind"]) for one in state["faults"]] == [("cut", "refuse")]
    outage = state["links"][0]["outages"][0]
    assert (outage["kind"], outage["attempts"]) == ("closed", 3)
    assert outage["back_in_s"] == pytest.approx(3.502)


async def test_a_system_that_went_down_leaves_its_last_picture(page: Page) -> None:
    await page.state("up")
    page.is_up = False
    gone = await page.state("gone")
    assert len(gone["links"]) == 2
    assert "is not up" in gone["lab"]["hint"]


async def test_a_form_is_previewed_as_the_links_that_it_hits_and_its_command(page: Page) -> None:
    await page.state("up")
    form = {"fault": "latency", "targets": "api->db", "for": "5s", "params": {"mean": "20ms"}, "seed": 7}
    answer = await (await page.client.post("/api/preview", json=form)).json()
    assert answer["hits"] == [LINK]
    assert answer["command"] == (
        "python lab.py inject latency --links 'api->db' --mean 20ms --for 5s --seed 7 "
        "--system /srv/shop/compose.yaml"
    )


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"fault": "stall", "targets": "web->db"}, "targets"),
        ({"fault": "pause", "targets": ""}, "targets"),
        ({"fault": "stall", "targets": "api->db", "for": "soon"}, "for"),
        ({"fault": "latency", "params": {"mean": "often"}}, "mean"),
        ({"fault": "melt"}, ""),
    ],
)
async def test_a_wrong_form_is_refused_at_its_field(page: Page, form: dict[str, Any], field: str) -> None:
    await page.state("up")
    answer = await page.client.post("/api/inject", json=form)
    assert answer.status == 422
    assert (await answer.json())["field"] == field
    assert page.jobs.asked == []


async def test_an_injection_is_a_command_and_so_is_a_heal(page: Page) -> None:
    await page.state("up")
    assert (await page.client.post("/api/inject", json={"fault": "kill", "targets": "db"})).status == 202
    assert (await page.client.post("/api/heal", json={})).status == 202
    assert [words[:3] for words in page.jobs.asked] == [
        ["inject", "kill", "db"],
        ["heal", "--system", "compose.yaml"],
    ]


async def test_read_only_refuses_what_changes_something(tmp_path: Path) -> None:
    page = Page(shop(tmp_path), read_only=True)
    await page.open()
    await page.client.get("/", params={"token": TOKEN})
    await page.state("up")
    assert (await page.client.post("/api/inject", json={"fault": "stall"})).status == 403
    assert (await page.client.post("/api/heal", json={})).status == 403
    assert (await page.client.post("/api/preview", json={"fault": "stall"})).status == 200
    await page.client.close()


async def test_targets_are_offered_by_pair_link_and_container(page: Page) -> None:
    await page.state("up")
    found = await (await page.client.get("/api/faults")).json()
    assert found["targets"]["links"][0] == "api->db:5432"
    assert found["targets"]["containers"] == ["api", "db"]


def test_the_catalogue_speaks_of_clients_and_servers() -> None:
    texts = repr([{**one, "name": ""} for one in system_catalogue()])
    for word in ("to_worker", "to_coordinator", " worker", " coordinator"):
        assert word not in texts
