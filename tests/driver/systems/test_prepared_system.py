"""Claims about a system before its start: its links, the processes that will leave a journal, its notes."""

from __future__ import annotations

from pathlib import Path

from driver.runs.system_subject import planned_system, request_of
from driver.systems.compose_config import Attachment, ComposeService, PublishedPort, ResolvedConfig
from driver.systems.prepared_system import PreparedSystem, prepared
from driver.systems.system_request import SystemRequest

NETWORK: dict[str, Attachment | None] = {"default": None}


def shop() -> PreparedSystem:
    """Two replicas of an API before a database; the API is published, and a job has no port."""
    services = {
        "api": ComposeService(image="api", networks=NETWORK, scale=2, ports=[PublishedPort(80, "8080")]),
        "db": ComposeService(image="db", networks=NETWORK),
        "job": ComposeService(image="job", networks={"apart": None}),
    }
    request = SystemRequest((Path("/shop/compose.yaml"),), ports={"db": frozenset({5432})}, publish=False)
    return prepared(request, ResolvedConfig("shop", services), {})


def test_its_links_are_those_of_each_replica_and_those_from_outside() -> None:
    assert set(shop().links) == {
        "api[1]->db:5432",
        "api[2]->db:5432",
        "db[1]->api:80",
        "outside->api:80",
    }


def test_the_prober_and_each_door_will_leave_a_journal() -> None:
    assert shop().processes == ["prober", "door-1"]


def test_what_has_no_door_is_noted() -> None:
    assert shop().notes == ["no door, since no port is known: job"]


def test_a_plan_starts_the_system_as_it_was_asked_for() -> None:
    system = planned_system(shop())
    assert system.services == {"api": 2, "db": 1, "job": 1}
    assert request_of(system) == shop().request
