"""On every engine that isolates, a worker reaches its own link, and nothing else: tried from its network."""

from __future__ import annotations

import os
import socket

import pytest

from chaos.abilities import Ability
from chaos.targets import SERVER, TOXIPROXY
from driver.engines.engine import HOST
from driver.reference.labs.lab import Lab
from tests.conformance.harness import NAMES
from tests.conformance.observers import pid_of, tries_from
from wire.address import index_in_name, link_port

OUTSIDE = ("192.0.2.1", 80)
"""An address that no machine has (RFC 5737): a network without a way out says so at once."""


def own_addresses() -> list[str]:
    """The addresses of this machine."""
    found = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    return sorted(str(one) for one in found if not str(one).startswith("127."))


def links_address(lab: Lab) -> str:
    """The address at which Toxiproxy listens for a worker: the peer of the worker's own connection."""
    pid = pid_of(lab, NAMES[0])
    assert pid is not None
    wanted = f"{link_port(index_in_name(NAMES[0])):04X}"
    with open(f"/proc/{pid}/net/tcp") as table:
        peers = [line.split()[2].split(":") for line in table.readlines()[1:]]
    (address, *_) = [address for address, port in peers if port == wanted]
    return socket.inet_ntoa(bytes.fromhex(address)[::-1])


@pytest.mark.proves(Ability.isolation)
def test_a_worker_reaches_its_own_link_and_nothing_of_the_control(lab: Lab) -> None:
    pid, links = pid_of(lab, NAMES[0]), links_address(lab)
    assert pid is not None
    core, _, port = lab.engine.server_address(lab.spec).rpartition(":")
    found = tries_from(
        pid,
        link=(links, link_port(index_in_name(NAMES[0]))),
        api=(links, 8474),
        coordinator=(core, int(port)),
        control=(core, 8766),
        published_api=(HOST, lab.spec.toxiproxy_port),
        published_control=(HOST, lab.spec.control_port),
    )
    assert found.pop("link") == "connected"
    assert "connected" not in found.values(), found


@pytest.mark.proves(Ability.isolation)
def test_a_worker_reaches_neither_this_machine_nor_what_is_outside(lab: Lab) -> None:
    pid = pid_of(lab, NAMES[0])
    assert pid is not None
    here = {
        f"{address} {port}": (address, port)
        for address in own_addresses()
        for port in (22, lab.spec.toxiproxy_port, lab.spec.control_port)
    }
    assert "connected" not in tries_from(pid, outside=OUTSIDE, **here).values()


@pytest.mark.proves(Ability.isolation)
def test_no_two_processes_share_a_network_namespace(lab: Lab) -> None:
    names = [*NAMES, SERVER, TOXIPROXY]
    spaces = {name: _network(pid_of(lab, name)) for name in names}
    assert len(set(spaces.values())) == len(names)


def _network(pid: int | None) -> str:
    assert pid is not None
    return os.readlink(f"/proc/{pid}/ns/net")
