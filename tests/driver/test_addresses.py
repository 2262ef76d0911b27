"""Free networks and ports for a lab, and the process that listens on a port."""

from __future__ import annotations

import socket
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from driver import host_ports
from driver.engines import addresses
from driver.errors import LabError


def test_the_first_index_is_returned_where_all_are_free() -> None:
    assert addresses.free_subnet([IPv4Network("172.17.0.0/16")], first=0) == 0


def test_an_index_whose_links_network_is_in_use_is_skipped() -> None:
    taken = [IPv4Network("10.231.0.0/24"), IPv4Network("10.232.6.0/24")]
    assert addresses.free_subnet(taken, first=0) == 2
    assert addresses.free_subnet(taken, first=63) == 63


def test_no_free_network_is_an_error_with_a_hint() -> None:
    with pytest.raises(LabError, match="No free network"):
        addresses.free_subnet([IPv4Network("10.0.0.0/8")], first=5)


def test_the_host_s_routes_are_read_without_the_default_one(tmp_path: Path) -> None:
    table = tmp_path / "route"
    table.write_text(
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
        "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\n"
        "vpn0\t0000E70A\t00000000\t0001\t0\t0\t0\t0000FFFF\n"
    )
    assert addresses.host_routes(table) == [IPv4Network("10.231.0.0/16")]


def test_a_port_with_a_listener_is_taken_and_its_process_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not host_ports.is_free("127.0.0.1", port)
        assert "(pid " in host_ports.process_on(port)
    assert host_ports.is_free("127.0.0.1", port)


def test_a_pair_that_is_offered_is_free() -> None:
    first = addresses.free_port_pair("127.0.0.1")
    assert host_ports.is_free("127.0.0.1", first)
    assert host_ports.is_free("127.0.0.1", first + 1)
