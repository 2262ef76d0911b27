"""Claims about the generated Compose file: no service shares a network with another one, and doors do."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from driver.systems.compose_config import ResolvedConfig, system_of
from driver.systems.compose_yaml import Removed, Replaced, as_yaml
from driver.systems.door_compose import DoorPlan
from driver.systems.plain_compose import plain_document
from driver.systems.prober_compose import prober_document
from driver.systems.system import OUTSIDE
from tests.driver.systems.compose_files import (
    API,
    DB,
    JOURNALS,
    OPTIONS,
    PROJECT,
    config_of,
    merged,
    planned,
    services_of,
)

NAMES = ("api", "db", "egress_api", "egress-api", "Outside", "worker")
SERVICES = st.fixed_dictionaries(
    {"image": st.just("i")},
    optional={
        "expose": st.lists(st.sampled_from(["80", "5432", "8474"]), max_size=2),
        "ports": st.lists(st.fixed_dictionaries({"target": st.sampled_from([80, 8000, 8474])}), max_size=2),
        "scale": st.integers(0, 4),
        "networks": st.dictionaries(
            st.sampled_from(["default", "back"]), st.just({"aliases": ["alias"]}), min_size=1
        ),
        "container_name": st.just("own-name"),
        "links": st.just(["db:pg"]),
        "depends_on": st.dictionaries(st.sampled_from(NAMES), st.just({"condition": "service_started"})),
    },
)
SYSTEMS = st.dictionaries(st.sampled_from(NAMES), SERVICES, min_size=1).map(config_of)


def networks_of(service: dict[str, Any]) -> set[str]:
    return set(service["networks"])


def prober_of(plan: DoorPlan) -> dict[str, dict[str, Any]]:
    """The Compose file of the plan's prober."""
    return prober_document("stormlab/prober:test", PROJECT, plan.prober_host, JOURNALS)


@given(SYSTEMS)
def test_two_services_share_no_network(config: ResolvedConfig) -> None:
    services = services_of(planned(config))
    on = {name: networks_of(services[name]) for name in config.services}
    assert not [(a, b) for a in on for b in on if a < b and on[a] & on[b]]


@given(SYSTEMS)
def test_a_service_has_no_way_out_that_was_not_asked_for(config: ResolvedConfig) -> None:
    plan = planned(config)
    services, networks = services_of(plan), merged(plan.document["networks"])
    for name in config.services:
        assert all(networks[one].get("internal") for one in networks_of(services[name]))
        assert not services[name].get("ports")


@given(SYSTEMS)
def test_a_door_is_on_the_networks_of_its_server_and_of_each_client_alone(config: ResolvedConfig) -> None:
    plan = planned(config)
    system = system_of(config, {})
    assert sorted(server for door in plan.doors for server in door.servers) == list(system.servers())
    for door in plan.doors:
        clients = {name for server in door.servers for name in system.clients_of(server)}
        ends = {f"sl-{name}" for name in (*door.servers, *clients)} | {"sl_outside", "sl_prober"}
        assert networks_of(services_of(plan)[door.service]) == ends


@given(SYSTEMS)
def test_the_prober_reaches_the_doors_alone_and_no_service_reaches_it(config: ResolvedConfig) -> None:
    plan = planned(config)
    services = services_of(plan)
    assert "sl-prober" not in services
    if not plan.doors:
        assert plan.prober_host == ""
        return
    own = prober_of(plan)
    assert networks_of(own["services"]["sl-prober"]) == set(own["networks"]) == {"sl_prober"}
    assert own["networks"]["sl_prober"] == {"name": f"{PROJECT}_sl_prober", "external": True}
    assert merged(plan.document["networks"])["sl_prober"]["internal"]
    assert not any("sl_prober" in networks_of(services[name]) for name in config.services)


@given(SYSTEMS)
def test_a_door_takes_the_prober_on_its_network_and_leads_it_back_to_it(config: ResolvedConfig) -> None:
    plan = planned(config)
    services = services_of(plan)
    for door in plan.doors:
        command = services[door.service]["command"]
        own = services[door.service]["networks"]["sl_prober"]["ipv4_address"]
        prober = prober_of(plan)["services"]["sl-prober"]["networks"]["sl_prober"]["ipv4_address"]
        assert door.probe_host == own
        assert command[command.index("-probe-listen") + 1] == f"{own}:8475"
        assert command[command.index("-probe-upstream") + 1] == f"{prober}:8476"
    if plan.doors:
        settings = json.loads(prober_of(plan)["services"]["sl-prober"]["environment"]["STORMLAB_PROBER"])
        assert settings["far_end_port"] == 8476


@given(SYSTEMS)
def test_each_process_of_the_lab_has_a_folder_of_journals_of_its_own(config: ResolvedConfig) -> None:
    plan = planned(config)
    services = services_of(plan)
    own = {door.service: door.process for door in plan.doors}
    if plan.doors:
        own["sl-prober"] = "prober"
        services = {**services, **prober_of(plan)["services"]}
    for service, process in own.items():
        mount = {"type": "bind", "source": f"{JOURNALS}/{process}", "target": "/journal"}
        assert services[service]["volumes"] == [mount]
    for door in plan.doors:
        command = services[door.service]["command"]
        assert command[command.index("-journal") + 1] == f"/journal/{door.process}.jsonl"
    assert len(set(own.values())) == len(own)


def test_each_process_of_the_lab_has_a_log_that_does_not_fill_the_disk() -> None:
    plan = planned(config_of({"db": DB, "api": {"image": "a"}}))
    services = {**services_of(plan), **prober_of(plan)["services"]}
    own = [services[name] for name in services if name.startswith("sl-")]
    assert len(own) > 1
    for one in own:
        assert one["logging"]["options"] == {"max-size": "10m", "max-file": "3"}


def test_an_engine_that_shares_no_files_has_doors_without_journals_and_no_prober() -> None:
    plan = planned(config_of({"db": DB, "api": {"image": "a"}}), replace(OPTIONS, journals=""))
    assert plan.prober_host == ""
    assert "sl_prober" not in plan.document["networks"]
    door = services_of(plan)["sl-door-1"]
    assert (plan.doors[0].probe_host, door["volumes"]) == ("", [])
    assert not {"-probe-listen", "-probe-upstream", "-journal"} & set(door["command"])


@given(SYSTEMS)
def test_a_door_listens_for_each_pair_on_its_own_address_in_the_clients_network(
    config: ResolvedConfig,
) -> None:
    plan = planned(config)
    listeners = {}
    for door in plan.doors:
        attached = services_of(plan)[door.service]["networks"]
        for pair in door.pairs:
            client, _, rest = pair.name.partition("->")
            server, _, port = rest.partition(":")
            network = "sl_outside" if client == OUTSIDE else f"sl-{client}"
            assert server in door.servers
            assert pair.listen == f"{attached[network]['ipv4_address']}:{port}"
            listeners[pair.name] = pair.listen
    assert set(listeners) == {str(pair) for pair in system_of(config, {}).pairs}
    assert len(set(listeners.values())) == len(listeners)


@given(SYSTEMS)
def test_no_address_is_given_twice_or_to_another_subnet(config: ResolvedConfig) -> None:
    plan = planned(config)
    networks = merged(plan.document["networks"])
    given_out = [
        (network, end["ipv4_address"])
        for service in services_of(plan).values()
        for network, end in service["networks"].items()
        if "ipv4_address" in end
    ]
    assert len(set(given_out)) == len(given_out)
    for network, address in given_out:
        pool = networks[network]["ipam"]["config"][0]
        assert IPv4Address(address) in IPv4Network(pool["subnet"])
        assert IPv4Address(address) not in IPv4Network(pool["ip_range"])


@given(SYSTEMS)
def test_a_client_that_waits_for_a_server_waits_for_its_door_and_doors_wait_for_nothing(
    config: ResolvedConfig,
) -> None:
    plan = planned(config)
    services, system = services_of(plan), system_of(config, {})
    for name, one in config.services.items():
        doors = {
            door.service: {"condition": "service_healthy"}
            for door in plan.doors
            if set(door.servers) & set(one.depends_on) & set(system.servers_of(name))
        }
        assert services[name].get("depends_on", {}) == doors
    assert not any("depends_on" in services[door.service] for door in plan.doors)


@given(SYSTEMS)
def test_a_doors_api_listens_outside_and_on_no_port_of_its_server(config: ResolvedConfig) -> None:
    plan = planned(config)
    outside = merged(plan.document["networks"])["sl_outside"]["ipam"]["config"][0]["subnet"]
    for door in plan.doors:
        command = services_of(plan)[door.service]["command"]
        assert command[:4] == ["-host", door.api_host, "-port", str(door.api_port)]
        assert IPv4Address(door.api_host) in IPv4Network(outside)
        assert f"{door.api_host}:{door.api_port}" not in {pair.listen for pair in door.pairs}


def door_of(plan: DoorPlan, server: str) -> dict[str, Any]:
    (service,) = [door.service for door in plan.doors if server in door.servers]
    return dict(services_of(plan)[service])


def test_a_door_has_every_name_of_its_server_in_a_clients_network() -> None:
    db = {**DB, "container_name": "pg-1", "hostname": "pg-host", "networks": {"back": {"aliases": ["store"]}}}
    api = {"image": "a", "networks": {"back": None}, "links": ["db:pg"]}
    names = door_of(planned(config_of({"db": db, "api": api})), "db")["networks"]["sl-api"]["aliases"]
    assert names == ["db", "pg", "pg-1", "pg-host", "shop-db-1", "store"]


def test_an_alias_counts_on_its_own_network_alone() -> None:
    db = {**DB, "networks": {"back": {"aliases": ["hidden"]}, "default": None}}
    names = door_of(planned(config_of({"db": db, "api": {"image": "a"}})), "db")["networks"]["sl-api"][
        "aliases"
    ]
    assert "hidden" not in names


def test_a_service_keeps_its_names_on_its_own_network() -> None:
    db = {**DB, "container_name": "pg-1", "networks": {"back": {"aliases": ["store"]}}}
    own = services_of(planned(config_of({"db": db})))["db"]["networks"]["sl-db"]["aliases"]
    assert own == ["db", "pg-1", "sl-replicas-db", "store"]


def test_a_server_with_one_replica_is_dialled_at_its_fixed_address() -> None:
    plan = planned(config_of({"db": DB, "api": {"image": "a"}}))
    address = services_of(plan)["db"]["networks"]["sl-db"]["ipv4_address"]
    assert [pair.upstream for pair in plan.doors[0].pairs] == [f"{address}:5432"]


def test_a_server_with_several_replicas_is_dialled_by_a_name_that_no_door_has() -> None:
    plan = planned(config_of({"db": {**DB, "scale": 2}, "api": {"image": "a"}}))
    assert [pair.upstream for pair in plan.doors[0].pairs] == ["sl-replicas-db:5432"]
    assert "ipv4_address" not in services_of(plan)["db"]["networks"]["sl-db"]
    ends = door_of(plan, "db")["networks"].values()
    assert not any("sl-replicas-db" in end.get("aliases", ()) for end in ends)


def test_a_doors_links_may_lead_to_its_servers_alone() -> None:
    command = door_of(planned(config_of({"db": {**DB, "scale": 2}, "api": {"image": "a"}})), "db")["command"]
    assert command[command.index("-upstreams") + 1] == "sl-replicas-db:5432"


@given(SYSTEMS)
def test_servers_that_share_a_door_have_no_port_in_common_at_any_client(config: ResolvedConfig) -> None:
    pairs = system_of(config, {}).pairs
    for door in planned(config).doors:
        ends = [(pair.client, pair.port) for pair in pairs if pair.server in door.servers]
        assert len(set(ends)) == len(ends)


def test_servers_with_ports_of_their_own_share_one_door() -> None:
    servers = {"db": DB, "mq": {"image": "m", "expose": ["4222"]}, "api": API}
    assert [door.servers for door in planned(config_of(servers)).doors] == [("api", "db", "mq")]


def test_servers_that_a_client_reaches_at_one_port_have_doors_of_their_own() -> None:
    servers = {"db": DB, "other": DB, "third": DB, "api": API}
    assert [door.servers for door in planned(config_of(servers)).doors] == [
        ("api", "db"),
        ("other",),
        ("third",),
    ]


def test_servers_without_a_client_in_common_may_have_the_same_port_at_one_door() -> None:
    left, right = ({"image": "d", "expose": ["5432"], "networks": {name: None}} for name in ("left", "right"))
    servers = {"a": left, "b": right, "x": {**left, "expose": []}, "y": {**right, "expose": []}}
    assert [door.servers for door in planned(config_of(servers)).doors] == [("a", "b")]


def test_a_door_has_the_names_of_all_its_servers_in_a_clients_network() -> None:
    servers = {"db": DB, "mq": {"image": "m", "expose": ["4222"]}, "api": {"image": "a"}}
    ends = door_of(planned(config_of(servers)), "db")["networks"]
    assert ends["sl-api"]["aliases"] == ["db", "mq", "shop-db-1", "shop-mq-1"]
    assert ends["sl-db"]["aliases"] == ["mq", "shop-mq-1"]
    assert "aliases" not in ends["sl_outside"]


def test_published_ports_are_those_of_the_door() -> None:
    port = {"mode": "ingress", "target": 8000, "published": "8000-8010", "host_ip": "127.0.0.1"}
    plan = planned(config_of({"api": {"image": "a", "ports": [port]}}))
    api = {"target": 8474, "host_ip": "127.0.0.1", "mode": "ingress", "protocol": "tcp"}
    assert door_of(plan, "api")["ports"] == [{**port, "protocol": "tcp"}, api]
    assert isinstance(plan.document["services"]["api"]["ports"], Replaced)  # type: ignore[index]


def test_ports_of_the_engines_choice_are_on_loopback() -> None:
    plan = planned(config_of({"api": API}), replace(OPTIONS, publish=False))
    assert [
        (one["target"], one["host_ip"], one.get("published")) for one in door_of(plan, "api")["ports"]
    ] == [
        (8000, "127.0.0.1", None),
        (8474, "127.0.0.1", None),
    ]


def test_a_published_port_of_the_api_moves_the_api() -> None:
    plan = planned(config_of({"api": {"image": "a", "ports": [{"target": 8474}]}}))
    assert plan.doors[0].api_port == 8475
    assert door_of(plan, "api")["labels"]["stormlab.door_api"] == "8475"


def test_a_door_opens_its_pairs_from_a_file_of_its_own() -> None:
    plan = planned(config_of({"db": DB, "api": {"image": "a"}}))
    content = merged(plan.document["configs"])["sl-door-1"]["content"]
    (pair,) = plan.doors[0].pairs
    assert json.loads(content) == [{"name": pair.name, "listen": pair.listen, "upstream": pair.upstream}]


def test_names_that_another_project_may_have_are_removed() -> None:
    service = planned(config_of({"db": {**DB, "container_name": "pg", "links": ["x"]}})).document["services"][
        "db"
    ]
    assert isinstance(service["container_name"], Removed)  # type: ignore[index]
    assert isinstance(service["links"], Removed)  # type: ignore[index]


def test_a_built_image_has_a_tag_of_the_labs_own() -> None:
    services = services_of(
        planned(config_of({"API": {"image": "mine", "build": {"context": "."}}, "db": DB}))
    )
    assert services["API"]["image"] == f"{OPTIONS.project}-api"
    assert "image" not in services["db"]


def test_a_build_moves_no_further_tag_of_the_users() -> None:
    build = {"context": ".", "tags": ["mine:latest"]}
    config = config_of({"api": {"image": "mine", "build": build}, "web": {"build": {"context": "."}}})
    for document in (planned(config).document, plain_document(config, OPTIONS.project)):
        api, web = (as_yaml({"services": {"": document["services"][name]}}) for name in ("api", "web"))
        assert '"build": {"tags": !reset null}' in api
        assert '"build"' not in web


def test_every_volume_is_the_projects_own() -> None:
    volumes = {
        "data": {"name": "shop_data"},
        "shared": {"name": "of-another", "external": True},
        "named": {"name": "mine"},
    }
    written = planned(config_of({"db": DB}, volumes=volumes)).document["volumes"]
    assert merged(written) == {name: {"name": f"{OPTIONS.project}_{name}"} for name in volumes}
    assert [name for name, one in written.items() if isinstance(one, Replaced)] == ["shared"]


def test_a_way_out_is_a_network_of_the_services_own() -> None:
    plan = planned(config_of({"db": DB, "api": API}), replace(OPTIONS, egress=frozenset({"api"})))
    services, networks = services_of(plan), merged(plan.document["networks"])
    assert networks_of(services["api"]) == {"sl-api", "sl_egress_api"}
    assert "internal" not in networks["sl_egress_api"]
    assert not any("sl_egress_api" in networks_of(one) for name, one in services.items() if name != "api")


def test_a_server_that_no_door_can_carry_is_on_its_clients_networks_where_that_is_allowed() -> None:
    statsd = {"image": "s", "expose": ["8125/udp", "8126"], "networks": {"default": {"aliases": ["metrics"]}}}
    plan = planned(config_of({"statsd": statsd, "api": API, "db": DB}))
    services = services_of(plan)
    assert networks_of(services["statsd"]) == {"sl-statsd", "sl-api", "sl-db"}
    assert services["statsd"]["networks"]["sl-api"]["aliases"] == ["metrics", "shop-statsd-1", "statsd"]
    assert not [door for door in plan.doors if "statsd" in door.servers]
    assert not networks_of(services["api"]) & networks_of(services["db"])


def test_published_ports_of_what_goes_around_doors_stay_its_own_on_a_way_out() -> None:
    ports = [{"target": 8125, "protocol": "udp", "published": "8125"}, {"target": 8126, "published": "8126"}]
    statsd = {"image": "s", "ports": ports}
    services = services_of(planned(config_of({"statsd": statsd, "api": API})))
    assert "ports" not in services["statsd"]
    assert networks_of(services["statsd"]) == {"sl-statsd", "sl-api", "sl_egress_statsd"}


def test_a_server_with_a_udp_port_alone_is_on_its_clients_networks_too() -> None:
    config = config_of({"statsd": {"image": "s", "expose": ["8125/udp"]}, "api": API})
    assert networks_of(services_of(planned(config))["statsd"]) == {"sl-statsd", "sl-api"}


def test_a_service_in_anothers_network_stays_as_it_is_where_that_is_allowed() -> None:
    config = config_of({"db": DB, "agent": {"image": "a", "network_mode": "service:db"}})
    assert services_of(planned(config))["agent"] == {}


def test_a_physical_network_is_kept_where_it_is_allowed() -> None:
    networks = {"lan": {"name": "shop_lan", "driver": "macvlan", "ipam": {}}}
    config = config_of({"db": {**DB, "networks": {"lan": {"aliases": ["pg"]}}}}, networks=networks)
    attached = services_of(planned(config))["db"]["networks"]
    assert attached["lan"] == {"aliases": ["db", "pg"]}
