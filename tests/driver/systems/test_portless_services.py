"""Claims about services without a known port: no silent lack of a door."""

from __future__ import annotations

from typing import Any

import pytest

from driver.errors import UsageError
from driver.systems.compose_config import system_of
from driver.systems.portless_services import PortlessServiceError, refuse_portless
from tests.driver.systems.compose_files import DB, config_of

SRV = {"image": "s", "networks": {"default": {"aliases": ["backend"]}}}
NAMES: dict[str, tuple[dict[str, Any], str]] = {
    "depends_on": ({"depends_on": {"srv": {"condition": "service_started"}}}, "depends_on"),
    "links": ({"links": ["srv:other"]}, "links"),
    "an address": ({"environment": {"URL": "http://user@srv:80/"}}, "environment.URL"),
    "an alias": ({"environment": {"HOST": "backend"}}, "environment.HOST"),
    "command": ({"command": ["call", "srv:80"]}, "command[1]"),
    "entrypoint": ({"entrypoint": ["call", "--to=srv"]}, "entrypoint[1]"),
}
NO_NAMES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "a job": {"depends_on": {"srv": {"condition": "service_completed_successfully"}}},
    "a longer name": {"command": ["srv2", "my-srv", "srv.py", "a.srv", "srv_x"], "environment": {"X": None}},
    "another network": {"command": ["srv"], "networks": {"back": None}},
}


def refused(
    client: dict[str, Any],
    server: dict[str, Any] = SRV,
    allowed: set[str] | None = None,
    listening: dict[str, set[int]] | None = None,
) -> list[str]:
    config = config_of({"db": DB, "srv": server, "client": {"image": "c", "expose": ["1"], **client}})
    return refuse_portless(config, system_of(config, listening or {}), allowed or set(), set())


@pytest.mark.parametrize(("client", "key"), NAMES.values(), ids=NAMES)
def test_a_service_without_a_port_that_another_one_names_is_refused(client: dict[str, Any], key: str) -> None:
    with pytest.raises(UsageError) as error:
        refused(client)
    assert error.value.sentence.startswith("services.srv has no known port")
    assert f"services.client.{key} names it" in error.value.sentence
    assert "--listens srv:PORT; or --bypass srv" in error.value.hint


@pytest.mark.parametrize("client", NO_NAMES.values(), ids=NO_NAMES)
def test_a_service_without_a_port_that_no_other_one_names_has_no_door(client: dict[str, Any]) -> None:
    assert refused(client) == ["srv"]


def test_a_service_without_a_port_may_be_allowed() -> None:
    assert refused({"command": ["srv"]}, allowed={"srv"}) == ["srv"]


def test_a_port_that_was_added_is_known() -> None:
    assert refused({"command": ["srv"]}, listening={"srv": {80}}) == []


@pytest.mark.parametrize("server", [{"expose": ["8125/udp"]}, {"network_mode": "host"}])
def test_a_service_that_goes_around_doors_is_not_asked_for_a_port(server: dict[str, Any]) -> None:
    assert refused({"command": ["srv"]}, {"image": "s", **server}) == []


def test_leave_for_a_service_whose_image_has_a_port_is_refused() -> None:
    with pytest.raises(UsageError, match="--bypass srv: everything of it passes a door"):
        refused({}, allowed={"srv"}, listening={"srv": {80}})


def test_all_services_without_a_port_are_named_at_once() -> None:
    client = {"image": "c", "expose": ["1"], "links": ["a", "b"]}
    config = config_of({"a": SRV | {"networks": {"default": None}}, "b": SRV, "c": client})
    system = system_of(config, {})
    with pytest.raises(PortlessServiceError) as error:
        refuse_portless(config, system, set(), set())
    assert error.value.services == ("a", "b")
    assert error.value.sentence.startswith("services.a, services.b have no known port")
    assert "--listens a:PORT --listens b:PORT" in error.value.hint
