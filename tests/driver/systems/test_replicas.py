"""Claims about reading the engine's rows of a system's containers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from driver.systems.doors import Peer
from driver.systems.replicas import DoorReplica, Replica, SystemContainers, peers, system_containers

PROJECT = "doors-shop-1a2b3c"


def row(service: str, number: int = 1, **more: Any) -> dict[str, Any]:
    """One container as the engine lists it."""
    labels = {"com.docker.compose.service": service, "com.docker.compose.container-number": str(number)}
    network = {f"{PROJECT}_sl-{service}": {"IPAddress": f"10.236.0.{number + 1}"}}
    return {
        "Id": f"{service}{number}",
        "State": "running",
        "Status": "Up 2 seconds",
        "NetworkSettings": {"Networks": network},
        **more,
        "Labels": {**labels, **more.get("Labels", {})},
    }


def containers(*rows: dict[str, Any]) -> SystemContainers:
    return system_containers(rows, PROJECT)


def replicas(*rows: dict[str, Any]) -> tuple[Replica, ...]:
    return containers(*rows).replicas


def door(**more: Any) -> DoorReplica:
    return containers({**DOOR, **more}).doors[0]


DOOR = row(
    "sl-door-1",
    Status="Up 2 seconds (healthy)",
    Labels={
        "stormlab.door": "db, mq",
        "stormlab.door_api": "8474",
        "stormlab.door_published": '{"5432": "db", "4222": "mq"}',
    },
    Ports=[
        {"PrivatePort": 5432, "PublicPort": 5432, "IP": "0.0.0.0"},
        {"PrivatePort": 4222, "PublicPort": 32769, "IP": "127.0.0.1"},
        {"PrivatePort": 4222, "PublicPort": 32769, "IP": "::1"},
        {"PrivatePort": 8474, "PublicPort": 32770, "IP": "127.0.0.1"},
    ],
)


def test_replicas_are_the_containers_that_are_no_doors() -> None:
    found = replicas(row("api", 2), DOOR, row("api", 1))
    assert [(one.name, one.address) for one in found] == [("api[1]", "10.236.0.2"), ("api[2]", "10.236.0.3")]


def test_the_prober_is_the_labs_own_and_has_failed_when_it_ended() -> None:
    found = containers(row("api"), DOOR, row("sl-prober"))
    assert [one.name for one in found.replicas] == ["api[1]"]
    assert [one.name for one in found.own] == ["door of db, mq", "prober"]
    assert found.prober is not None
    assert (found.prober.is_ready, found.prober.has_failed) == (True, False)
    ended = containers(row("sl-prober", State="exited", Status="Exited (0)")).prober
    assert ended is not None
    assert (ended.is_ready, ended.has_failed) == (False, True)


@pytest.mark.parametrize(
    ("state", "status", "ready", "failed"),
    [
        ("running", "Up 2 seconds", True, False),
        ("running", "Up 2 seconds (healthy)", True, False),
        ("running", "Up 2 seconds (health: starting)", False, False),
        ("running", "Up 2 seconds (unhealthy)", False, True),
        ("created", "Created", False, False),
        ("restarting", "Restarting (1) 2 seconds ago", False, False),
        ("exited", "Exited (0) 2 seconds ago", True, False),
        ("exited", "Exited (3) 2 seconds ago", False, True),
        ("dead", "Dead", False, True),
    ],
)
def test_a_container_is_ready_or_has_failed_or_is_waited_for(
    state: str, status: str, ready: bool, failed: bool
) -> None:
    (one,) = replicas(row("api", State=state, Status=status))
    assert (one.is_ready, one.has_failed) == (ready, failed)


def test_a_door_is_reached_at_the_published_port_of_its_api() -> None:
    (found,) = containers(row("api"), DOOR).doors
    assert (found.name, found.service, found.api_port) == ("door of db, mq", "db, mq", 32770)


@pytest.mark.parametrize(
    ("state", "status", "ready", "failed", "shown"),
    [
        ("running", "Up 2 seconds (healthy)", True, False, "healthy"),
        ("running", "Up 2 seconds (health: starting)", False, False, "starting"),
        ("running", "Up 2 seconds (unhealthy)", False, True, "unhealthy"),
        ("created", "Created", False, False, "created"),
        ("exited", "Exited (0) 2 seconds ago", False, True, "exited (0)"),
        ("exited", "Exited (137) 2 seconds ago", False, True, "exited (137)"),
    ],
)
def test_a_door_has_no_end_of_its_own(state: str, status: str, ready: bool, failed: bool, shown: str) -> None:
    one = door(State=state, Status=status, Ports=[])
    assert (one.is_ready, one.has_failed, one.shown_state) == (ready, failed, shown)
    assert one.api_port is None


def test_all_containers_are_replicas_and_then_doors() -> None:
    assert [one.name for one in containers(DOOR, row("web"), row("api")).all] == [
        "api[1]",
        "web[1]",
        "door of db, mq",
    ]


def test_a_published_port_is_of_its_server_at_the_address_that_the_engine_chose() -> None:
    around = row("statsd", Ports=[{"PrivatePort": 8125, "PublicPort": 8125, "IP": "0.0.0.0"}])
    assert [str(one) for one in containers(around, DOOR).published] == [
        "db:5432 is 0.0.0.0:5432", "mq:4222 is 127.0.0.1:32769", "statsd:8125 is 0.0.0.0:8125",
    ]  # fmt: skip


def test_labels_of_an_image_make_no_door_of_its_container() -> None:
    found = containers(row("api", Labels={"stormlab.door": "x", "stormlab.door_published": "?"}))
    assert ([one.name for one in found.replicas], found.doors) == (["api[1]"], ())


@pytest.mark.parametrize(
    ("state", "status", "restarts", "says"),
    [
        ("exited", "Exited (3)", 0, "api[1] ended with 3"),
        ("running", "Up 2 seconds", 1, "api[1] was restarted once"),
        ("restarting", "Restarting (1)", 8, "api[1] was restarted 8 times"),
        ("running", "Up 2 seconds (health: starting)", 0, "api[1] is starting"),
        ("created", "Created", 0, "api[1] is created"),
    ],
)
def test_a_sentence_names_what_a_container_does(state: str, status: str, restarts: int, says: str) -> None:
    (one,) = replicas(row("api", State=state, Status=status))
    assert replace(one, restarts=restarts).condition == says


@pytest.mark.parametrize(("restarts", "failed"), [(7, False), (8, True)])
def test_a_container_that_restarts_on_and_on_has_failed(restarts: int, failed: bool) -> None:
    (one,) = replicas(row("api"))
    assert replace(one, restarts=restarts).has_failed == failed


def test_each_replica_of_a_pairs_client_is_a_peer_by_its_address() -> None:
    found = peers(["api->db:5432", "outside->db:5432"], replicas(row("api", 1), row("api", 2), row("db")))
    assert found == {
        "api[1]->db:5432": Peer("api->db:5432", "10.236.0.2"),
        "api[2]->db:5432": Peer("api->db:5432", "10.236.0.3"),
    }
    assert found["api[2]->db:5432"].link == "api->db:5432@10.236.0.3"


def test_a_container_that_has_ended_has_no_address_and_is_no_peer() -> None:
    gone = row("api", State="exited", Status="Exited (1)", NetworkSettings={"Networks": {}})
    assert peers(["api->db:5432"], replicas(gone)) == {}
