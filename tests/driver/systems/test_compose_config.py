"""Claims about reading a resolved Compose config into a system."""

from __future__ import annotations

import pytest

from driver.errors import UsageError
from driver.systems.compose_config import parse, refuse_unknown_services, system_of
from driver.systems.system import ServicePair, SystemLink
from tests.driver.systems.compose_files import API, DB, config_of


def pairs(**services: dict[str, object]) -> list[str]:
    return [str(pair) for pair in system_of(config_of(services), {}).pairs]


def test_each_service_may_be_a_client_of_every_other_one_on_its_network() -> None:
    assert pairs(db=DB, api=API) == ["api->db:5432", "db->api:8000", "outside->api:8000"]


def test_the_pairs_of_a_known_file_are_these() -> None:
    back, front = {"back": None}, {"front": None}
    found = pairs(
        db={**DB, "networks": back},
        cache={"image": "c", "expose": ["6379", "6380"], "networks": back},
        api={**API, "networks": {**back, **front}},
        web={"image": "w", "expose": ["80"], "networks": front},
        worker={"image": "w", "scale": 2, "networks": back},
    )
    assert found == [
        "api->cache:6379", "api->cache:6380", "api->db:5432", "api->web:80",
        "cache->api:8000", "cache->db:5432",
        "db->api:8000", "db->cache:6379", "db->cache:6380",
        "outside->api:8000",
        "web->api:8000",
        "worker->api:8000", "worker->cache:6379", "worker->cache:6380", "worker->db:5432",
    ]  # fmt: skip


def test_services_that_share_no_network_are_no_pair() -> None:
    assert pairs(db={**DB, "networks": {"back": None}}, api={"image": "a"}) == []


def test_two_servers_may_have_the_same_port() -> None:
    found = pairs(db=DB, other=DB, api={"image": "a"})
    assert {"api->db:5432", "api->other:5432"} <= set(found)


def test_a_service_without_a_port_is_a_client_alone() -> None:
    assert {pair.split(":")[0] for pair in pairs(db=DB, worker={"image": "w"})} == {"worker->db"}


@pytest.mark.parametrize(
    ("expose", "ports"),
    [
        (["8000-8002"], (8000, 8001, 8002)),
        (["53/udp", "53/tcp"], (53,)),
        (["8125/udp", "80"], (80,)),
        (["9/tcp", "7"], (7, 9)),
    ],
)
def test_tcp_ports_are_read_from_expose(expose: list[str], ports: tuple[int, ...]) -> None:
    system = system_of(config_of({"a": {"image": "a", "expose": expose}}), {})
    assert system.service("a").ports == ports


def test_a_port_that_is_no_number_is_named_with_its_key() -> None:
    with pytest.raises(UsageError, match=r"services\.a\.expose\[0\] takes a port .* found 'http'"):
        system_of(config_of({"a": {"image": "a", "expose": ["http"]}}), {})


def test_ports_that_the_file_does_not_name_can_be_added() -> None:
    system = system_of(config_of({"db": {"image": "d"}, "api": {"image": "a"}}), {"db": {5432}})
    assert system.pairs == (ServicePair("api", "db", 5432),)


def test_a_service_that_is_not_there_is_refused_with_those_that_are() -> None:
    config = config_of({"db": DB, "api": API})
    with pytest.raises(UsageError, match=r"--listens dB: there is no such .*Did you mean db\?"):
        refuse_unknown_services(config, "--listens", {"dB": {1}, "db": {1}})
    with pytest.raises(UsageError, match=r"--listens x: there is no such .*It can be: api, db\."):
        refuse_unknown_services(config, "--listens", {"x": {1}})


@pytest.mark.parametrize(
    ("words", "count"), [({"scale": 3}, 3), ({"deploy": {"replicas": 2}}, 2), ({"deploy": {}}, 1), ({}, 1)]
)
def test_replicas_are_those_that_compose_starts(words: dict[str, object], count: int) -> None:
    assert config_of({"a": {"image": "a", **words}}).services["a"].replicas == count


def test_each_replica_of_a_client_has_a_link_of_its_own() -> None:
    system = system_of(config_of({"db": DB, "worker": {"image": "w", "scale": 2}}), {})
    assert list(system.links()) == [SystemLink("worker", 1, "db", 5432), SystemLink("worker", 2, "db", 5432)]
    assert str(next(system.links())) == "worker[1]->db:5432"


def test_what_comes_from_outside_has_no_replicas() -> None:
    assert list(system_of(config_of({"api": API}), {}).links()) == []


def test_a_service_without_a_network_of_its_own_is_in_no_pair() -> None:
    assert pairs(db=DB, host={"image": "h", "network_mode": "host", "ports": [{"target": 1}]}) == []


def test_an_answer_of_another_form_names_the_file_and_the_key() -> None:
    with pytest.raises(UsageError, match=r"shop\.yaml: .*Expected `object`, got `int` - at `\$\.services"):
        parse(b'{"name": "a", "services": {"b": 3}}', "shop.yaml")


def test_a_file_in_which_nothing_starts_is_refused() -> None:
    with pytest.raises(UsageError, match=r"no service that starts.*profiles\? Add --profile"):
        parse(b'{"name": "a", "services": {}}', "shop.yaml")


@pytest.mark.parametrize(
    ("services", "networks", "says"),
    [
        ({"sl-door-db": DB}, {}, r"services\.sl-door-db begins with 'sl-'"),
        ({"db": DB}, {"sl_outside": {}}, r"networks\.sl_outside begins with 'sl_'"),
        ({"outside": DB}, {}, r"services\.outside has the name of what connects to published ports"),
    ],
)
def test_a_name_of_the_labs_own_is_refused_with_its_key(
    services: dict[str, dict[str, object]], networks: dict[str, object], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        config_of(services, networks=networks)
