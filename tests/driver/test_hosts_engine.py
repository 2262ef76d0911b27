"""Docker on many hosts, without an engine: placement, bodies of containers, and hosts that are refused."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from driver.cli.main import run
from driver.engines.catalogue import KINDS, default_kind
from driver.engines.docker_answers import created_limits
from driver.engines.hosts import host_checks
from driver.engines.hosts.host_checks import HostFacts, network_refusal, refusal
from driver.engines.hosts.host_containers import hosts_abilities, links_address
from driver.engines.hosts.hosts_engine import HostsEngine
from driver.engines.hosts.placement import host_for
from driver.engines.hosts.resolved_compose import resolved_compose
from driver.engines.hosts.service_bodies import body
from driver.engines.kinds.hosts import HOSTS, addresses_of
from driver.engines.many_hosts import ManyHosts
from driver.errors import UsageError
from driver.host_ports import answers
from driver.paths import project_root

NAMES = ["a", "b", "c"]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return resolved_compose("lab", project_root(), {"STORMLAB_KEY": "k" * 8})


@pytest.fixture
def no_hosts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(HOSTS, raising=False)
    yield
    os.environ.pop(HOSTS, None)


def facts(name: str = "a", **changed: Any) -> HostFacts:
    """A host that manages the swarm, or one that is in it: what Docker 26 answers."""
    swarm = {
        "LocalNodeState": "active", "ControlAvailable": name == "a", "NodeAddr": f"10.0.0.{ord(name) - 96}",
        "RemoteManagers": [{"NodeID": "n", "Addr": "10.0.0.1:2377"}],
    }  # fmt: skip
    version = {"Version": changed.pop("version", "26.1.5"), "ApiVersion": changed.pop("api", "1.45")}
    return HostFacts(
        f"ssh://{name}", version, {"Name": changed.pop("hostname", name), "Swarm": {**swarm, **changed}}
    )


def test_workers_are_spread_over_all_hosts_and_the_core_is_on_the_first() -> None:
    assert {name: host_for(name, NAMES) for name in ("toxiproxy", "coordinator", "prober")} == {
        "toxiproxy": "a", "coordinator": "a", "prober": "a",
    }  # fmt: skip
    spread = [host_for(f"worker-{index}", NAMES) for index in range(1, 31)]
    assert [spread.count(name) for name in NAMES] == [10, 10, 10]


def test_a_process_is_where_a_placement_says() -> None:
    assert host_for("worker-1", NAMES, {"worker-1": 3}) == "c"


def test_every_process_has_an_address_of_its_own_far_from_those_that_engines_take() -> None:
    found = [
        links_address(3, name) for name in ("toxiproxy", "prober", *(f"worker-{n}" for n in range(1, 501)))
    ]
    assert len(set(found)) == len(found)
    assert found[0] == "10.232.15.252"
    assert all(one.startswith(("10.232.15.", "10.232.14.", "10.232.13.")) for one in found)


def test_a_worker_is_created_as_compose_yaml_says(compose: dict[str, Any]) -> None:
    made = body("lab", "worker", compose["services"]["worker"], "sha256:1", {"links": "10.232.3.250"}, 7)
    host = made["HostConfig"]
    assert made["Image"] == "sha256:1"
    assert made["Labels"]["com.docker.compose.container-number"] == "7"
    assert (host["Memory"], host["CpuQuota"], host["ReadonlyRootfs"], host["PidsLimit"]) == (
        128 << 20, 100_000, True, 256,
    )  # fmt: skip
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert {mount["Target"] for mount in host["Mounts"]} == {"/journal", "/store"}
    end = made["NetworkingConfig"]["EndpointsConfig"]["lab_links"]
    assert end["IPAMConfig"] == {"IPv4Address": "10.232.3.250"}
    assert "worker" in end["Aliases"]
    assert created_limits(made["Labels"]).memory_bytes == 128 << 20


def test_the_core_keeps_its_addresses_ports_and_store(compose: dict[str, Any]) -> None:
    made = body("lab", "coordinator", compose["services"]["coordinator"], "sha256:1", {})
    ends = made["NetworkingConfig"]["EndpointsConfig"]
    assert ends["lab_core"]["IPAMConfig"] == {"IPv4Address": "10.231.0.2"}
    assert made["HostConfig"]["PortBindings"]["8766/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": "8766"}]
    stores = [mount for mount in made["HostConfig"]["Mounts"] if mount["Target"] == "/store"]
    assert stores == [{"Type": "volume", "Target": "/store", "Source": "lab_store"}]
    assert made["Healthcheck"]["StartInterval"] == 1_000_000_000
    assert made["StopTimeout"] == 12


def test_a_key_of_compose_yaml_that_is_not_translated_is_refused(compose: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="gives worker devices"):
        body("lab", "worker", {**compose["services"]["worker"], "devices": ["/dev/x"]}, "sha256:1", {})


def test_hosts_of_one_swarm_are_accepted() -> None:
    assert refusal([facts("a"), facts("b"), facts("c")]) is None


@pytest.mark.parametrize(
    ("hosts", "sentence", "cure"),
    [
        ([facts("a", api="1.41", version="20.10")], "API 1.44 was expected", "Install engine 25"),
        (
            [facts("a"), facts("b", version="25.0.1")],
            "several versions: 25.0.1, 26.1.5",
            "one version on all",
        ),
        ([facts("a"), facts("b", hostname="a")], "Two hosts are named 'a'", "a name of its own"),
        ([facts("a", ControlAvailable=False)], "manages no swarm", "swarm init"),
        ([facts("a"), facts("b", LocalNodeState="inactive")], "b (ssh://b) is in no swarm", "swarm join"),
        (
            [facts("a"), facts("b", RemoteManagers=[{"Addr": "9.9.9.9:2377"}])],
            "in another swarm",
            "swarm leave",
        ),
    ],
)
def test_hosts_that_cannot_carry_a_lab_are_refused_with_the_cure(
    hosts: list[HostFacts], sentence: str, cure: str
) -> None:
    found = refusal(hosts)
    assert found is not None
    assert sentence in found[0]
    assert cure in found[1]


def test_a_network_that_cannot_carry_the_overlay_is_refused_with_the_cure() -> None:
    assert network_refusal("b", {"mtu": 1400, "vxlan": True}) is None
    no_vxlan, small = network_refusal("b", {"mtu": 1500}), network_refusal("b", {"mtu": 600, "vxlan": True})
    assert no_vxlan is not None
    assert "modprobe vxlan" in no_vxlan[1]
    assert small is not None
    assert f"adds {host_checks.VXLAN_BYTES} bytes" in small[0]


def test_it_has_clocks_of_several_hosts_and_every_ability_but_to_follow_journals() -> None:
    engine = HostsEngine("lab", project_root(), lambda _: {}, ["ssh://a", "ssh://b"])
    assert isinstance(engine, ManyHosts)
    assert [ability.value for ability in hosts_abilities().lacks] == ["follow journals"]


@pytest.mark.usefixtures("no_hosts")
def test_without_hosts_it_is_never_chosen_and_says_what_it_lacks() -> None:
    kind = KINDS["hosts"]
    assert "--hosts" in kind.unavailable()
    assert default_kind(list(KINDS.values())) is not kind
    with pytest.raises(UsageError, match=re.escape("no hosts are named")):
        kind.make("lab", project_root(), lambda _: {})


def test_addresses_are_separated_by_commas() -> None:
    assert addresses_of("unix:///a.sock, ssh://b,") == ["unix:///a.sock", "ssh://b"]


@pytest.mark.usefixtures("no_hosts")
def test_hosts_on_the_command_line_imply_the_engine(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", "--hosts", "unix:///nowhere.sock", "--project", "none"]) != 0
    assert os.environ[HOSTS] == "unix:///nowhere.sock"
    printed = capsys.readouterr()
    assert "No Docker engine answers" in printed.out + printed.err


def test_a_port_of_another_host_is_taken_where_something_accepts_connections() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert answers("127.0.0.1", port, 1.0)
    assert not answers("127.0.0.1", port, 1.0)
