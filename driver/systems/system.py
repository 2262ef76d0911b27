"""The model of a system under test: services, their replicas, and links. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

OUTSIDE = "outside"
"""The client of a published port: everything that connects from outside the system."""


class SystemService(msgspec.Struct, frozen=True):
    """A service, its number of replicas, and the TCP ports on which it listens."""

    name: str
    replicas: int = 1
    ports: tuple[int, ...] = ()


class ServicePair(msgspec.Struct, frozen=True, order=True):
    """A client service and a server's port: one link for each replica of the client."""

    client: str
    server: str
    port: int

    def __str__(self) -> str:
        return f"{self.client}->{self.server}:{self.port}"


class SystemLink(msgspec.Struct, frozen=True, order=True):
    """One replica of a client, counted from 1, and a server's port."""

    client: str
    replica: int
    server: str
    port: int

    def __str__(self) -> str:
        return f"{self.client}[{self.replica}]->{self.server}:{self.port}"


class System(msgspec.Struct, frozen=True):
    """Services and which of them connect to which, by name."""

    name: str
    services: tuple[SystemService, ...]
    pairs: tuple[ServicePair, ...]

    def service(self, name: str) -> SystemService:
        """Return the service of that name. Raises KeyError."""
        for one in self.services:
            if one.name == name:
                return one
        raise KeyError(name)

    def links(self) -> Iterator[SystemLink]:
        """Every link between services; pairs whose client is outside have none."""
        for pair in self.pairs:
            if pair.client != OUTSIDE:
                for replica in range(1, self.service(pair.client).replicas + 1):
                    yield SystemLink(pair.client, replica, pair.server, pair.port)

    def servers(self) -> tuple[str, ...]:
        """Services that are the server of a pair, by name."""
        return tuple(sorted({pair.server for pair in self.pairs}))

    def clients_of(self, server: str) -> tuple[str, ...]:
        """Services that connect to `server`, by name; OUTSIDE is not among them."""
        return tuple(sorted({p.client for p in self.pairs if p.server == server} - {OUTSIDE}))

    def servers_of(self, client: str) -> tuple[str, ...]:
        """Services to which `client` connects, by name."""
        return tuple(sorted({pair.server for pair in self.pairs if pair.client == client}))
