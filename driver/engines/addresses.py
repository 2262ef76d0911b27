"""Finds room for a lab: a network nobody uses, and who holds a port that is taken."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable
from pathlib import Path

from driver.errors import LabError
from driver.host_ports import is_free

ROOMS = 64
FIRST_OFFERED = 18_474
_DEFAULT_ROUTE = ipaddress.IPv4Network("0.0.0.0/0")


def core_prefix(room: int) -> str:
    """The first three numbers of a room's `core` network, a /24."""
    return f"10.231.{room}"


def links_subnet(room: int) -> str:
    """A room's `links` network, a /22: as many workers as one Toxiproxy can serve, and more."""
    return f"10.232.{4 * room}.0/22"


def free_room(taken: Iterable[ipaddress.IPv4Network], first: int) -> int:
    """The next room from `first` on, in a circle, whose networks overlap none of `taken`."""
    used = list(taken)
    for room in ((first + step) % ROOMS for step in range(ROOMS)):
        networks = [
            ipaddress.IPv4Network(f"{core_prefix(room)}.0/24"),
            ipaddress.IPv4Network(links_subnet(room)),
        ]
        if not any(mine.overlaps(network) for mine in networks for network in used):
            return room
    raise LabError(
        "No free network for the lab: 10.231.0.0/18 and 10.232.0.0/16 are in use.",
        "Take old labs down (python lab.py down --project NAME), or: docker network prune",
    )


def host_routes(table: Path = Path("/proc/net/route")) -> list[ipaddress.IPv4Network]:
    """Networks that this host routes somewhere, but for the default route; none where it cannot be read."""
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


def free_pair(host: str) -> int:
    """The first of two ports in a row that are free now, to be offered where another is taken."""
    pairs = range(FIRST_OFFERED, 60_000, 100)
    return next((port for port in pairs if is_free(host, port) and is_free(host, port + 1)), FIRST_OFFERED)
