"""Reads the engine's rows of a system's containers: state, replicas, addresses, doors. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from driver.engines.docker_answers import NUMBER, SERVICE
from driver.systems.door_compose import API_LABEL, DOOR_LABEL, Peer, own_network
from driver.systems.system import OUTSIDE

Row = Mapping[str, Any]
MOST_RESTARTS = 8
"""A container that its engine has restarted so often will not stay up: by then the engine waits 13 s."""


@dataclass(frozen=True)
class Replica:
    """A container of a service. `exit_code` is None while it runs; `health` "" without a health check."""

    service: str
    number: int
    id: str
    state: str
    health: str
    exit_code: int | None
    address: str
    restarts: int = 0

    @property
    def name(self) -> str:
        """The service with the replica's number, as links name it."""
        return f"{self.service}[{self.number}]"

    @property
    def is_ready(self) -> bool:
        """Whether it runs and is not unhealthy or starting, or ended with 0."""
        return self.exit_code == 0 or (self.state == "running" and self.health in ("", "healthy"))

    @property
    def has_failed(self) -> bool:
        """Whether it ended with another status than 0, its health check failed, or it restarts on and on."""
        return bool(self.exit_code) or self.health == "unhealthy" or self.restarts >= MOST_RESTARTS

    @property
    def condition(self) -> str:
        """What it does now, for a sentence."""
        if self.exit_code is not None:
            return f"{self.name} ended with {self.exit_code}"
        if self.restarts:
            times = "once" if self.restarts == 1 else f"{self.restarts} times"
            return f"{self.name} was restarted {times}"
        return f"{self.name} is {self.health or self.state}"


@dataclass(frozen=True)
class DoorEntry:
    """A door that runs: its server, and where this host reaches its API."""

    server: str
    port: int


class PublishedAddress(msgspec.Struct, frozen=True, order=True):
    """A port of a service, and the address at which this host publishes it."""

    service: str
    port: int
    address: str

    def __str__(self) -> str:
        return f"{self.service}:{self.port} is {self.address}"


def published_addresses(rows: Iterable[Row]) -> list[PublishedAddress]:
    """Return the published ports of the user's services, which their doors publish for most, in order."""
    found = set()
    for row in rows:
        labels = row["Labels"]
        service, api = labels.get(DOOR_LABEL) or labels.get(SERVICE, "?"), labels.get(API_LABEL, "")
        for one in row.get("Ports") or ():
            if "PublicPort" in one and "." in str(one.get("IP", "")) and str(one["PrivatePort"]) != api:
                address = f"{one['IP']}:{one['PublicPort']}"
                found.add(PublishedAddress(service, one["PrivatePort"], address))
    return sorted(found)


def replicas(rows: Iterable[Row], project: str) -> list[Replica]:
    """Return the containers of the user's services, in order."""
    found = [_replica(row, project) for row in rows if DOOR_LABEL not in row["Labels"]]
    return sorted(found, key=lambda one: (one.service, one.number))


def doors(rows: Iterable[Row]) -> list[DoorEntry]:
    """Return the doors whose API is published on this host, in order of their servers."""
    found = []
    for row in rows:
        target = row["Labels"].get(API_LABEL, "")
        published = [one["PublicPort"] for one in row.get("Ports") or () if _is_api(one, target)]
        if published:
            found.append(DoorEntry(row["Labels"][DOOR_LABEL], published[0]))
    return sorted(found, key=lambda one: one.server)


def peers(pairs: Iterable[str], containers: Sequence[Replica]) -> dict[str, Peer]:
    """Return each replica's end of the pairs, by the link's name in the system: `api[2]->db:5432`."""
    found = {}
    for pair in pairs:
        client, _, server = pair.partition("->")
        for one in containers:
            if one.service == client != OUTSIDE and one.address:
                found[f"{one.name}->{server}"] = Peer(pair, one.address)
    return found


def _replica(row: Row, project: str) -> Replica:
    labels, status = row["Labels"], str(row["Status"])
    service = str(labels.get(SERVICE, "?"))
    network = row["NetworkSettings"]["Networks"].get(f"{project}_{own_network(service)}") or {}
    shown = status.partition("(")[2].removeprefix("health: ").partition(")")[0]
    return Replica(
        service=service,
        number=int(labels.get(NUMBER, 0)),
        id=str(row["Id"]),
        state=str(row["State"]),
        health=shown if shown in ("unhealthy", "healthy", "starting") else "",
        exit_code=_exit_code(row["State"], status),
        address=str(network.get("IPAddress", "")),
    )


def _exit_code(state: str, status: str) -> int | None:
    """The status in the engine's text `Exited (3) 2 seconds ago`; None while the container runs."""
    if state not in ("exited", "dead"):
        return None
    number = status.partition("(")[2].partition(")")[0]
    return int(number) if number.lstrip("-").isdigit() else 1


def _is_api(port: Row, target: str) -> bool:
    return str(port.get("PrivatePort")) == target and "PublicPort" in port and "." in str(port.get("IP", ""))
