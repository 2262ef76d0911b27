"""The processes of a system of commands as its containers: from the rows and sockets of their supervisor.
Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from driver.engines.process.process_spec import ProcessSpec
from driver.engines.process.requests import ProcessRow
from driver.systems import sockets
from driver.systems.commands.command_plan import LOOPBACK, RelayedPort
from driver.systems.door_names import is_door
from driver.systems.prober_compose import PROBER, PROBER_SERVICE
from driver.systems.replicas import (
    DoorReplica,
    ProberReplica,
    PublishedAddress,
    Replica,
    SystemContainers,
)

ALIVE = ("running", "paused")


class CommandDescription(msgspec.Struct, frozen=True, kw_only=True):
    """What a supervisor keeps of its system for later commands.

    `addresses` are those of the replicas, `ports` those on which each listens, `doors` the servers of each
    door, and `published` the ports of this machine.
    """

    project: str
    addresses: Mapping[str, str]
    ports: Mapping[str, tuple[int, ...]]
    doors: Mapping[str, str]
    published: tuple[RelayedPort, ...]
    prober: ProcessSpec | None = None


def command_containers(
    description: CommandDescription, rows: Sequence[ProcessRow], tables: Mapping[str, str]
) -> SystemContainers:
    """Return the containers of a system; `tables` has the sockets of each replica that runs."""
    replicas = [_replica(description, row, tables.get(row.name, "")) for row in rows if _is_of_system(row)]
    doors = [_door(description, row) for row in rows if is_door(row.service)]
    probers = [_prober(description, row) for row in rows if row.service == PROBER_SERVICE]
    return SystemContainers(
        tuple(sorted(replicas, key=lambda one: (one.service, one.number))),
        tuple(sorted(doors, key=lambda one: one.service)),
        tuple(sorted(_published(description))),
        next(iter(probers), None),
    )


def unheard(ports: Sequence[int], table: str) -> str:
    """Return on which of these ports nobody listens, and what is listened on instead, as the end of a
    sentence; "" where all are listened on.
    """
    listening = sockets.listening_ports(table)
    missing = [port for port in ports if port not in listening]
    if not missing:
        return ""
    if inward := [port for port in missing if port in sockets.loopback_ports(table)]:
        port = inward[0]
        return f"listens on {LOOPBACK}:{port} alone, where no other service reaches it, not on 0.0.0.0"
    others = ", ".join(map(str, sorted(listening - set(ports)))) or "no other"
    return f"does not listen on port {missing[0]} (it listens on {others})"


def address_of(description: CommandDescription, use: str, name: str, target: int) -> str | None:
    """Return where this machine reaches a port of a process; None for one that is not published."""
    for one in description.published:
        if (one.use, one.name, one.target) == (use, name, target):
            return f"{one.host}:{one.port}"
    return None


def _is_of_system(row: ProcessRow) -> bool:
    return not is_door(row.service) and row.service != PROBER_SERVICE


def _published(description: CommandDescription) -> list[PublishedAddress]:
    return [
        PublishedAddress(one.name, one.target, f"{one.host}:{one.port}")
        for one in description.published
        if one.use == "outside"
    ]


def _id(description: CommandDescription, row: ProcessRow) -> str:
    return f"{description.project}-{row.name}-{row.created}"


def _exit_code(row: ProcessRow) -> int | None:
    return row.exit_code if row.status == "exited" else None


def _replica(description: CommandDescription, row: ProcessRow, table: str) -> Replica:
    ports = description.ports.get(row.name, ())
    health = ""
    if ports and row.status in ALIVE:
        health = "starting" if unheard(ports, table) else "healthy"
    return Replica(
        service=row.service,
        number=int(row.name.rpartition("[")[2].rstrip("]")),
        id=_id(description, row),
        state=row.status,
        health=health,
        exit_code=_exit_code(row),
        address=description.addresses[row.name] if row.status in ALIVE else "",
    )


def _door(description: CommandDescription, row: ProcessRow) -> DoorReplica:
    api = next((one.port for one in description.published if (one.use, one.name) == ("api", row.name)), None)
    return DoorReplica(
        service=description.doors[row.name],
        number=1,
        id=_id(description, row),
        state=row.status,
        health="healthy" if row.status in ALIVE else "",
        exit_code=_exit_code(row),
        address="",
        api_port=api if row.status in ALIVE else None,
    )


def _prober(description: CommandDescription, row: ProcessRow) -> ProberReplica:
    return ProberReplica(
        service=PROBER,
        number=1,
        id=_id(description, row),
        state=row.status,
        health="",
        exit_code=_exit_code(row),
        address="",
    )
