"""Reads the engine's list of a system's containers: the services' replicas, and doors. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from driver.engines.container_texts import NUMBER, SERVICE, health
from driver.systems.compose_config import PREFIX
from driver.systems.door_names import API_LABEL, DOOR_LABEL, PUBLISHED_LABEL, is_door, own_network
from driver.systems.doors import Peer
from driver.systems.prober_compose import PROBER, PROBER_SERVICE
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
        return f"{self.name} is {self.shown_state}"

    @property
    def shown_state(self) -> str:
        """Its health where it has one, else its state with the status of its end."""
        ended = "" if self.exit_code is None else f" ({self.exit_code})"
        return self.health or f"{self.state}{ended}"


@dataclass(frozen=True)
class DoorReplica(Replica):
    """The container of a door; `service` is its servers: `api, db`.

    `api_port` is the port of its API on this host; None while it does not run.
    """

    api_port: int | None = None

    @property
    def name(self) -> str:
        """The door by its servers."""
        return f"door of {self.service}"

    @property
    def is_ready(self) -> bool:
        """Whether it runs and its API answers."""
        return self.state == "running" and self.health == "healthy"

    @property
    def has_failed(self) -> bool:
        """Whether it ended: a door has no end of its own."""
        return self.exit_code is not None or self.health == "unhealthy"


class PublishedAddress(msgspec.Struct, frozen=True, order=True):
    """A port of a service, and the address at which this host publishes it."""

    service: str
    port: int
    address: str

    def __str__(self) -> str:
        return f"{self.service}:{self.port} is {self.address}"


@dataclass(frozen=True)
class ProberReplica(Replica):
    """The container of the prober."""

    @property
    def name(self) -> str:
        """The prober, by what it does."""
        return PROBER

    @property
    def is_ready(self) -> bool:
        """Whether it runs; whether it observes is another question."""
        return self.state == "running"

    @property
    def has_failed(self) -> bool:
        """Whether it ended: it has no end of its own."""
        return self.exit_code is not None


@dataclass(frozen=True)
class SystemContainers:
    """The containers of a system at one moment, each kind in order."""

    replicas: tuple[Replica, ...]
    doors: tuple[DoorReplica, ...]
    published: tuple[PublishedAddress, ...]
    prober: ProberReplica | None = None

    @property
    def all(self) -> tuple[Replica, ...]:
        """Replicas of the user's services, then those of the lab."""
        return (*self.replicas, *self.own)

    @property
    def own(self) -> tuple[Replica, ...]:
        """The lab's own: doors, and the prober."""
        return (*self.doors, *self.probers)

    @property
    def probers(self) -> tuple[Replica, ...]:
        """The prober, where there is one."""
        return (self.prober,) if self.prober else ()


def system_containers(rows: Sequence[Row], project: str) -> SystemContainers:
    """Return the containers in one answer to `GET /containers/json`."""
    services = [_replica(row, project) for row in rows if not _service(row).startswith(PREFIX)]
    doors = [_door(row) for row in rows if is_door(_service(row))]
    probers = [_prober(row) for row in rows if _service(row) == PROBER_SERVICE]
    return SystemContainers(
        tuple(sorted(services, key=lambda one: (one.service, one.number))),
        tuple(sorted(doors, key=lambda one: one.service)),
        tuple(_published(rows)),
        next(iter(probers), None),
    )


def _published(rows: Iterable[Row]) -> list[PublishedAddress]:
    """The published ports of the user's services, which their doors publish for most, in order."""
    found = set()
    for row in rows:
        service = _service(row)
        if service.startswith(PREFIX) and not is_door(service):
            continue
        servers = msgspec.json.decode(row["Labels"][PUBLISHED_LABEL]) if is_door(service) else None
        for one in row.get("Ports") or ():
            server = service if servers is None else servers.get(str(one["PrivatePort"]))
            if "PublicPort" in one and "." in str(one.get("IP", "")) and server is not None:
                address = f"{one['IP']}:{one['PublicPort']}"
                found.add(PublishedAddress(server, one["PrivatePort"], address))
    return sorted(found)


def peers(pairs: Iterable[str], containers: Sequence[Replica]) -> dict[str, Peer]:
    """Return each replica's end of the pairs, by the link's name in the system: `api[2]->db:5432`."""
    found = {}
    for pair in pairs:
        client, _, server = pair.partition("->")
        for one in containers:
            if one.service == client != OUTSIDE and one.address:
                found[f"{one.name}->{server}"] = Peer(pair, one.address)
    return found


def _service(row: Row) -> str:
    return str(row["Labels"].get(SERVICE, "?"))


def _replica(row: Row, project: str) -> Replica:
    labels, status = row["Labels"], str(row["Status"])
    service = _service(row)
    network = row["NetworkSettings"]["Networks"].get(f"{project}_{own_network(service)}") or {}
    return Replica(
        service=service,
        number=int(labels.get(NUMBER, 0)),
        id=str(row["Id"]),
        state=str(row["State"]),
        health=health(status),
        exit_code=_exit_code(row["State"], status),
        address=str(network.get("IPAddress", "")),
    )


def _door(row: Row) -> DoorReplica:
    labels, status = row["Labels"], str(row["Status"])
    target = labels.get(API_LABEL, "")
    return DoorReplica(
        service=str(labels[DOOR_LABEL]),
        number=1,
        id=str(row["Id"]),
        state=str(row["State"]),
        health=health(status),
        exit_code=_exit_code(row["State"], status),
        address="",
        api_port=next((one["PublicPort"] for one in row.get("Ports") or () if _is_api(one, target)), None),
    )


def _prober(row: Row) -> ProberReplica:
    status = str(row["Status"])
    return ProberReplica(
        service=PROBER,
        number=1,
        id=str(row["Id"]),
        state=str(row["State"]),
        health=health(status),
        exit_code=_exit_code(row["State"], status),
        address="",
    )


def _exit_code(state: str, status: str) -> int | None:
    """The status in the engine's text `Exited (3) 2 seconds ago`; None while the container runs."""
    if state not in ("exited", "dead"):
        return None
    number = status.partition("(")[2].partition(")")[0]
    return int(number) if number.lstrip("-").isdigit() else 1


def _is_api(port: Row, target: str) -> bool:
    return str(port.get("PrivatePort")) == target and "PublicPort" in port and "." in str(port.get("IP", ""))
