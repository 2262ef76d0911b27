"""Claims about what doors write of a foreign system's connections, on real containers: clients that no lab
was written for, cut off from their servers.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from driver.cli.options import build_environment
from driver.engines import images
from driver.engines.compose_engine import ComposeEngine
from driver.forensics.gaps import gaps_by_client, pooled
from driver.forensics.policy_identification import identify_policy
from driver.histories.connection_history import ConnectionHistory, Outage, connection_histories
from driver.histories.history import History
from driver.histories.journals import read_history
from driver.histories.link_connections import LinkConnection, link_journals
from driver.histories.link_history import link_history
from driver.paths import project_root
from driver.systems.lab_of_system import SystemLab
from driver.systems.running_system import RunningSystem, running_system
from driver.systems.system_images import door_image
from driver.systems.system_request import SystemRequest
from tests.waiting import eventually_in_thread

FILE = project_root() / "examples/doors/compose.yaml"
CHAT = Path(__file__).parent / "chat" / "compose.yaml"
TALK = "client[1]->server:8765"
PINGS = 3
"""Of each connection, as chat.py sends them."""
WORKER = next(one for one in images.CATALOGUE if one.service == "worker")
LIMIT_S = 40.0
RECONNECT_S = 0.05
"""How long the example's client waits before each attempt: EVERY_S of examples/doors/node.py."""
CALLS = "worker[2]->orders:5432"


class Watched:
    """A system that is up behind doors, and what their journals say of it."""

    def __init__(self, lab: SystemLab, system: RunningSystem) -> None:
        self.lab = lab
        self.system = system

    def history(self) -> History:
        return read_history(self.system.folder)

    def link(self, name: str) -> ConnectionHistory:
        """What is found of a link."""
        return connection_histories(link_history(self.history()))[name]

    def connections(self, link: str) -> list[LinkConnection]:
        journals = link_journals(self.history())
        return journals[link].connections if link in journals else []

    def cut(self, link: str, for_s: float) -> tuple[int, int]:
        """Refuse a link's connections for a while; return between which instants."""
        begun = self.system.links.begin_fault(
            {"id": f"cut-{time.monotonic_ns()}", "links": [link], "action": "refuse", "lease_ms": 30_000}
        )
        over_ns = begun.began_at_mono_ns + for_s * 1e9
        eventually_in_thread(lambda: self.system.links.clock_ns() > over_ns, link)
        ended = self.system.links.end_fault(begun.id)
        return begun.began_at_mono_ns, ended.ended_at_mono_ns

    def outage(self, link: str, after_ns: int) -> Outage:
        """The outage of a link that began then, once it has ended."""

        def found() -> Outage | None:
            outages = [one for one in self.link(link).reconnections if one.lost_ns >= after_ns]
            return outages[0] if outages else None

        return eventually_in_thread(found, f"{link} is back", LIMIT_S, poll_s=0.1)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The images of the examples' choice, and a folder for the systems."""
    engine = ComposeEngine("link-journals", project_root(), build_environment)
    engine.ensure_images(["toxiproxy", "worker", "prober"], print)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHON_IMAGE", images.reference(WORKER, project_root()))
        patch.setenv("PYTHON", "/venv/bin/python")
        yield tmp_path_factory.mktemp("systems")


def up(project: str, file: Path, folder: Path) -> Iterator[Watched]:
    lab = SystemLab(project, door_image(), folder)
    lab.down()
    lab.up(SystemRequest((file,), publish=False), print)
    try:
        yield Watched(lab, running_system(project, folder / project, str(file)))
    finally:
        lab.down()


@pytest.fixture(scope="module")
def shop(environment: Path) -> Iterator[Watched]:
    """The example: three clients of two servers, which send a line every 50 ms."""
    yield from up("link-journals-shop", FILE, environment)


def test_an_outage_of_a_client_without_a_journal_has_its_attempts_and_its_reconnection(shop: Watched) -> None:
    began_ns, ended_ns = shop.cut(CALLS, 2.0)
    outage = shop.outage(CALLS, began_ns)
    assert 0 <= outage.lost_ns - began_ns < 0.2e9
    assert outage.back_ns is not None
    assert 0 <= outage.back_ns - ended_ns < 5e9
    assert {attempt.kind for attempt in outage.attempts[:-1]} == {"refused"}
    assert 5 < len(outage.attempts) < 2.5 / RECONNECT_S


def test_an_outage_of_one_link_is_none_of_another(shop: Watched) -> None:
    began_ns, _ = shop.cut(CALLS, 0.5)
    shop.outage(CALLS, began_ns)
    for other in ("worker[1]->orders:5432", "worker[2]->stock:5432"):
        assert shop.link(other).outages == []
        assert len(shop.connections(other)) == 1


def test_the_policy_of_a_client_is_named_that_was_never_told(shop: Watched) -> None:
    shop.outage(CALLS, shop.cut(CALLS, 6.0)[0])
    named = identify_policy(pooled(list(gaps_by_client(link_history(shop.history())).values())))
    assert named.sure
    assert named.best is not None
    assert (named.best.policy.name, round(named.best.base_s, 2)) == ("fixed", RECONNECT_S)


def test_the_journals_of_doors_are_whole_and_name_links_as_the_system_does(shop: Watched) -> None:
    history = shop.history()
    assert history.damage == []
    assert history.sealed
    links = set(link_journals(history))
    assert {f"worker[{n}]->{server}:5432" for n in (1, 2, 3) for server in ("orders", "stock")} <= links
    assert not [link for link in links if "@" in link]


@pytest.fixture(scope="module")
def talk(environment: Path) -> Iterator[list[LinkConnection]]:
    """The first four WebSocket connections of the chat that have ended, one for each close code."""
    for system in up("link-journals-chat", CHAT, environment):
        yield eventually_in_thread(partial(first_ended, system), "four have ended", LIMIT_S, poll_s=0.2)


def first_ended(system: Watched) -> list[LinkConnection]:
    """The first four WebSocket connections of the chat; none before these have ended."""
    found = [one for one in system.connections(TALK) if one.websocket and one.server_ended_ns]
    return found[:4] if len(found) >= 4 else []


def test_a_close_code_is_written_down_with_the_side_that_sent_it_first(talk: list[LinkConnection]) -> None:
    assert [(one.client.close_code, one.server.close_code) for one in talk] == [
        (code, code) for code in (1000, 4001, 1001, 4002)
    ]
    assert [one.closed_by for one in talk] == ["client", "client", "server", "server"]
    assert {one.status for one in talk} == {101}


def test_an_end_with_a_normal_code_by_the_client_is_no_loss_and_any_other_is(
    talk: list[LinkConnection],
) -> None:
    assert [one.is_orderly for one in talk] == [True, False, False, False]


def test_the_round_trips_of_a_clients_pings_are_those_to_its_server(talk: list[LinkConnection]) -> None:
    for one in talk:
        assert len(one.round_trips_us) == PINGS
        assert all(0 < trip < 500_000 for trip in one.round_trips_us)
