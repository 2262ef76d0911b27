"""Interfaces, addresses and routes of a lab's processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import pytest

from driver.engines.process import lab_network, linux
from driver.engines.process.lab_addresses import ISOLATED, loopback
from driver.engines.process.lab_network import (
    LAYOUT,
    LabNetwork,
    client_address,
    hardware_address,
    inside_lines,
)


def test_a_worker_has_a_route_to_toxiproxy_and_to_nothing_else() -> None:
    lines = inside_lines({"links": client_address(1)}, {"links": "end4"}, 77)
    assert lines == [
        "link set lo up",
        "link add links address 02:42:0a:e8:00:10 type veth peer name end4 netns 77",
        "addr add 10.232.0.16/32 dev links",
        "link set links up",
        "route add 10.232.0.2/32 dev links",
        "neigh replace 10.232.0.2 lladdr 02:42:0a:e8:00:02 dev links nud permanent",
    ]


def test_toxiproxy_is_on_all_networks() -> None:
    lines = inside_lines(ISOLATED.networks("toxiproxy"), {"links": "a", "core": "b", "control": "c"}, 1)
    assert [line for line in lines if line.startswith("addr")] == [
        "addr add 10.232.0.2/22 dev links",
        "addr add 10.231.0.3/24 dev core",
        "addr add 10.233.0.3/24 dev control",
    ]


def test_the_coordinator_is_not_on_the_workers_network() -> None:
    assert set(ISOLATED.networks("coordinator")) == {"core", "control"}


def test_five_hundred_workers_have_addresses_of_their_own() -> None:
    found = {client_address(number) for number in range(501)}
    assert len(found) == 501
    assert client_address(500) == "10.232.2.3"


def test_a_hardware_address_follows_from_the_address() -> None:
    assert hardware_address("10.231.0.2") == "02:42:0a:e7:00:02"


def test_two_labs_on_the_loopback_network_share_no_address() -> None:
    one, other = loopback(0), loopback(16_383)
    assert (one.server, other.server) == ("127.64.0.2", "127.127.255.2")
    assert one.claim != other.claim


def without_a_kernel(monkeypatch: pytest.MonkeyPatch, ip: Callable[[Sequence[str]], None]) -> LabNetwork:
    for name in ("unshare", "setns"):
        monkeypatch.setattr(linux, name, lambda *_: None)
    monkeypatch.setattr(lab_network, "_configure_end", lambda: None)
    monkeypatch.setattr(lab_network, "_ip", ip)
    return LabNetwork(1, LAYOUT)


def test_the_ends_of_many_processes_are_removed_by_one_order(monkeypatch: pytest.MonkeyPatch) -> None:
    ordered: list[Sequence[str]] = []
    network = without_a_kernel(monkeypatch, ordered.append)
    network.attach({f"worker-{number}": {"links": client_address(number)} for number in (1, 2, 3)})
    ordered.clear()
    network.remove(["worker-1", "worker-3"])
    assert ordered == [["link set end1 group 77", "link set end3 group 77", "link del group 77"]]


def test_a_network_that_could_not_be_made_is_gone_before_the_next_try(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(lines: Sequence[str]) -> None:
        raise OSError(0, "`ip` gave no answer")

    network = without_a_kernel(monkeypatch, refuse)
    before = os.listdir("/proc/self/fd")
    with pytest.raises(OSError, match="no answer"):
        network.attach({"worker-1": {"links": client_address(1)}})
    assert os.listdir("/proc/self/fd") == before
