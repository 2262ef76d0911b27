"""Claims about the relay of observations: what its file says, what it is asked for, and when it starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from driver.engines.docker_sdk import DockerSdk
from driver.errors import EngineError
from driver.labs.toxiproxy_api import Link
from driver.systems import relay_container
from driver.systems.relay_compose import relay_document
from driver.systems.relay_container import MOST_PORTS, End, RelayContainer, relay_file
from driver.systems.replicas import system_containers
from tests.driver.systems.test_replicas import PROJECT, row

ENDS: list[End] = [("db", 5432, 1), ("web", 8000, 1), ("web", 8000, 2)]
RELAY = row(
    "sl-relay",
    Ports=[{"PrivatePort": 8474, "PublicPort": 40000, "IP": "127.0.0.1"}]
    + [{"PrivatePort": 10000 + n, "PublicPort": 40001 + n, "IP": "127.0.0.1"} for n in range(3)],
)


class Engine(DockerSdk):
    """One engine: what Compose was asked, what runs, and what the relay was asked."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = [row("db"), row("web", 1), row("web", 2)]
        self.started = 0
        self.asked: list[Link] = []

    def summaries(self) -> list[dict[str, Any]]:
        return self.rows

    def all_networks(self) -> list[dict[str, Any]]:
        return [{"Name": f"{PROJECT}_sl-{service}"} for service in ("db", "web")]

    def compose(self, *words: str, **_: object) -> list[str]:
        self.started += 1
        self.rows.append(RELAY)
        return []

    def create(self, links: list[Link]) -> None:  # type: ignore[override]
        self.asked += links

    def is_up(self) -> bool:
        return True


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    fake = Engine()
    monkeypatch.setattr(relay_container, "ComposeCommand", lambda *_: fake.compose)
    monkeypatch.setattr(relay_container, "ToxiproxyApi", lambda *_: fake)
    return fake


def relay(engine: Engine, folder: Path, ends: list[End] = ENDS) -> RelayContainer:
    return RelayContainer(PROJECT, folder, engine, "toxiproxy:test", "10.236.12.9", ends)


def test_the_relay_starts_with_its_first_use_and_is_asked_once_for_each_end(
    engine: Engine, tmp_path: Path
) -> None:
    one = relay(engine, tmp_path)
    db, web, other = system_containers(engine.rows, PROJECT).replicas
    found = [one.address(5432, db), one.address(8000, other), one.address(5432, db), one.address(8000, web)]
    assert found == ["127.0.0.1:40001", "127.0.0.1:40003", "127.0.0.1:40001", "127.0.0.1:40002"]
    assert engine.started == 1
    assert [(link.listen, link.upstream) for link in engine.asked] == [
        ("10.236.12.9:10000", "10.236.0.2:5432"),
        ("10.236.12.9:10002", "10.236.0.3:8000"),
        ("10.236.12.9:10001", "10.236.0.2:8000"),
    ]


def test_a_container_with_another_address_is_dialled_there(engine: Engine, tmp_path: Path) -> None:
    one = relay(engine, tmp_path)
    one.address(5432, system_containers(engine.rows, PROJECT).replicas[0])
    engine.rows[0]["NetworkSettings"]["Networks"][f"{PROJECT}_sl-db"]["IPAddress"] = "10.236.0.77"
    one.address(5432, system_containers(engine.rows, PROJECT).replicas[0])
    assert [link.upstream for link in engine.asked] == ["10.236.0.2:5432", "10.236.0.77:5432"]


def test_a_relay_that_runs_is_not_started_again(engine: Engine, tmp_path: Path) -> None:
    engine.rows.append(RELAY)
    relay(engine, tmp_path).address(5432, system_containers(engine.rows, PROJECT).replicas[0])
    assert (engine.started, relay_file(tmp_path).exists()) == (0, False)


def test_too_many_ports_are_refused(engine: Engine, tmp_path: Path) -> None:
    ends: list[End] = [("db", 5432, number) for number in range(1, MOST_PORTS + 2)]
    with pytest.raises(EngineError, match="have 129 ports; observations reach 128"):
        relay(engine, tmp_path, ends).address(5432, system_containers(engine.rows, PROJECT).replicas[0])


def test_the_relay_listens_on_an_address_that_no_service_reaches_and_routes_nothing() -> None:
    document: Any = relay_document("toxiproxy:test", PROJECT, "10.236.12.9", ["sl-db", "sl-web"], 2)
    container = document["services"]["sl-relay"]
    assert container["command"] == ["-host", "10.236.12.9", "-port", "8474"]
    assert container["networks"] == {"sl_outside": {"ipv4_address": "10.236.12.9"}, "sl-db": {}, "sl-web": {}}
    assert {one["host_ip"] for one in container["ports"]} == {"127.0.0.1"}
    assert [one["target"] for one in container["ports"]] == [8474, 10000, 10001]
    assert container["sysctls"] == {"net.ipv4.ip_forward": "0"}
    assert all(one["external"] for one in document["networks"].values())


def test_the_ports_of_the_relay_are_none_that_the_system_publishes() -> None:
    published = system_containers([row("db"), RELAY], PROJECT).published
    assert published == ()
