"""Addresses of a lab's processes: in networks of its own, or on this machine's loopback network."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass

from chaos.targets import SERVER, TOXIPROXY
from driver.engines.process.lab_network import (
    CONTROL,
    CORE,
    LINKS,
    TOXIPROXY_LINKS,
    client_address,
)
from driver.errors import LabError

SERVER_PORT, CONTROL_PORT, API_PORT = 8765, 8766, 8474
LOOPBACK_LABS = 64 * 256
"""Labs of one machine on the loopback network: 127.64.0.x to 127.127.255.x, a /24 each."""
TRIED_LABS = 256
_FIRST_BLOCK = 64
_CORE = {SERVER: "10.231.0.2", TOXIPROXY: "10.231.0.3"}
_CONTROL = {SERVER: "10.233.0.2", TOXIPROXY: "10.233.0.3"}


@dataclass(frozen=True)
class LabAddresses:
    """Where the processes of one lab listen. `claim` is the name that one lab of this machine has at a
    time.
    """

    server: str
    server_control: str
    toxiproxy_api: str
    toxiproxy_links: str
    link_listen: str
    claim: str = ""

    def networks(self, name: str) -> Mapping[str, str]:
        """Return the networks of a process and its address in each; none on the loopback network."""
        if self.claim:
            return {}
        if name == TOXIPROXY:
            return {LINKS: TOXIPROXY_LINKS, CORE: _CORE[name], CONTROL: _CONTROL[name]}
        if name == SERVER:
            return {CORE: _CORE[name], CONTROL: _CONTROL[name]}
        number = name.rpartition("-")[2]
        return {LINKS: client_address(int(number) if number.isdecimal() else 0)}


ISOLATED = LabAddresses(_CORE[SERVER], _CONTROL[SERVER], _CONTROL[TOXIPROXY], TOXIPROXY_LINKS, "[::]")
"""The same for each lab: each has network namespaces of its own."""


def loopback(index: int) -> LabAddresses:
    """Return the addresses of a lab on the loopback network."""
    assert 0 <= index < LOOPBACK_LABS
    prefix = f"127.{_FIRST_BLOCK + index // 256}.{index % 256}"
    server, toxiproxy = f"{prefix}.2", f"{prefix}.3"
    return LabAddresses(server, server, toxiproxy, toxiproxy, toxiproxy, f"stormlab-{prefix}")


def free_loopback(first: int) -> int:
    """Return the first index from `first` on, cyclically, that no lab of this machine claims. Raises
    LabError.
    """
    for index in ((first + step) % LOOPBACK_LABS for step in range(TRIED_LABS)):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(f"\0{loopback(index).claim}")
            except OSError:
                continue
            return index
    raise LabError("Other labs have all addresses that were tried.", "Take old labs down: python lab.py down")
