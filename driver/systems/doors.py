"""Doors as they are planned: their servers, pairs and addresses, and which servers share one. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import msgspec

from driver.systems.compose_config import PREFIX
from driver.systems.system import System


class DoorPair(msgspec.Struct, frozen=True):
    """A pair as Toxiproxy opens it: its name, the door's address for it, and where its connections go."""

    name: str
    listen: str
    upstream: str


class Peer(msgspec.Struct, frozen=True):
    """One replica's address, as a pair's listener sees it."""

    pair: str
    address: str

    @property
    def link(self) -> str:
        """The name of the replica's link in the door's Toxiproxy."""
        return f"{self.pair}@{self.address}"


@dataclass(frozen=True)
class Door:
    """A door: its service in the generated file, its servers, its API's address, and its pairs.

    `probe_host` is its address on the prober's network; "" without a prober.
    """

    service: str
    servers: tuple[str, ...]
    api_host: str
    api_port: int
    pairs: tuple[DoorPair, ...]
    probe_host: str = ""

    @property
    def process(self) -> str:
        """The name of its process, by which its journal is called: `door-1`."""
        return self.service.removeprefix(PREFIX)

    @property
    def name(self) -> str:
        """Its servers, as sentences name it: `api, db`."""
        return ", ".join(self.servers)


def shared_doors(system: System, around: Collection[str]) -> list[tuple[str, ...]]:
    """Return the servers of each door, without those in `around`: as few doors as a first fit needs."""
    doors: list[tuple[list[str], set[tuple[str, int]]]] = []
    for server in system.servers():
        if server in around:
            continue
        wanted = {(pair.client, pair.port) for pair in system.pairs if pair.server == server}
        servers, taken = next((one for one in doors if not one[1] & wanted), ([], set()))
        if not servers:
            doors.append((servers, taken))
        servers.append(server)
        taken |= wanted
    return [tuple(servers) for servers, _ in doors]
