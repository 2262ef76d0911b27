"""Addresses of a lab with doors: one network a service, and the fixed addresses on it. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from driver.errors import LabError

POOL = ipaddress.IPv4Network("10.236.0.0/14")
SUBNET_BITS = 22


def free_subnets(
    count: int, taken: Iterable[ipaddress.IPv4Network], first: int
) -> list[ipaddress.IPv4Network]:
    """Return the next `count` subnets of POOL that overlap none of `taken`, in a circle from number `first`.

    Raises LabError when there are fewer.
    """
    used = [network for network in taken if network.overlaps(POOL)]
    every = list(POOL.subnets(new_prefix=SUBNET_BITS))
    circle = (every[(first + step) % len(every)] for step in range(len(every)))
    free = [one for one in circle if not any(one.overlaps(network) for network in used)]
    if len(free) < count:
        raise LabError(
            f"The system needs {count} networks, and {POOL} has {len(free)} free ones of /{SUBNET_BITS}.",
            "Take old labs down: docker network ls shows which there are.",
        )
    return free[:count]


class SubnetPlan:
    """Hands out the fixed addresses of one subnet, from its upper half; the engine uses the lower half."""

    def __init__(self, subnet: ipaddress.IPv4Network) -> None:
        self.subnet = subnet
        lower, upper = subnet.subnets(prefixlen_diff=1)
        self.dynamic = lower
        self._free: Iterator[ipaddress.IPv4Address] = upper.hosts()
        self._given: dict[str, str] = {}

    def address(self, holder: str) -> str:
        """Return the fixed address of a container; the same one for the same holder. Raises LabError."""
        if holder not in self._given:
            given = next(self._free, None)
            if given is None:
                raise LabError(f"{self.subnet} has no address left for {holder}.")
            self._given[holder] = str(given)
        return self._given[holder]
