"""Free addresses for a lab: networks that overlap no other of this machine, and ports."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable
from pathlib import Path

from driver.engines.engine import CONTROL_PORT, TOXIPROXY_PORT
from driver.errors import LabError
from driver.host_ports import is_free

SUBNETS = 64
"""Pairs of networks (`core` and `links`) that labs of one machine choose from."""
FIRST_OFFERED = 18_474
_DEFAULT_ROUTE = ipaddress.IPv4Network("0.0.0.0/0")


def core_prefix(subnet_index: int) -> str:
    """Return the first three numbers of a `core` network, a /24."""
    return f"10.231.{subnet_index}"


def links_subnet(subnet_index: int) -> str:
    """Return a `links` network, a /22: more addresses than one Toxiproxy can serve clients."""
    return f"10.232.{4 * subnet_index}.0/22"


def links_last(subnet_index: int) -> ipaddress.IPv4Address:
    """Return the last address of a `links` network, its broadcast address."""
    return ipaddress.IPv4Network(links_subnet(subnet_index)).broadcast_address


def free_subnet(taken: Iterable[ipaddress.IPv4Network], first: int) -> int:
    """Return the first index from `first` on, cyclically, whose two networks overlap none of `taken`.
    Raises LabError when there is none.
    """
    used = list(taken)
    for index in ((first + step) % SUBNETS for step in range(SUBNETS)):
        networks = [
            ipaddress.IPv4Network(f"{core_prefix(index)}.0/24"),
            ipaddress.IPv4Network(links_subnet(index)),
        ]
        if not any(mine.overlaps(network) for mine in networks for network in used):
            return index
    raise LabError(
        "No free network for the lab: 10.231.0.0/18 and 10.232.0.0/16 are in use.",
        "Take old labs down (python lab.py down --project NAME), or: docker network prune",
    )


def host_routes(table: Path = Path("/proc/net/route")) -> list[ipaddress.IPv4Network]:
    """Return the networks of this host's routing table but the default route; none where it is unreadable."""
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:
        return []
    routes = []
    for line in lines:
        fields = line.split()
        address, mask = (struct.unpack("<I", bytes.fromhex(fields[column]))[0] for column in (1, 7))
        network = ipaddress.IPv4Network((address, bin(mask).count("1")), strict=False)
        if network != _DEFAULT_ROUTE:
            routes.append(network)
    return routes


def free_port_pair(host: str) -> int:
    """Return the first of two consecutive free ports, for a hint; FIRST_OFFERED where none are free."""
    pairs = range(FIRST_OFFERED, 60_000, 100)
    return next((port for port in pairs if is_free(host, port) and is_free(host, port + 1)), FIRST_OFFERED)


def published_ports(port: int | None) -> tuple[int, int]:
    """Return the ports of Toxiproxy and of the server's control API."""
    return (TOXIPROXY_PORT, CONTROL_PORT) if port is None else (port, port + 1)
