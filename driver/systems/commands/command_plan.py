"""Plans the processes of a system of commands from its doors: networks, addresses, hosts files, ports. Pure.

The doors are those of the generated Compose file: the same flags, names and addresses, in networks of the
lab's own namespace.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from driver.engines.process.lab_network import NetworkLayout
from driver.engines.process.lab_services import MODULES, TOXIPROXY_PROGRAM
from driver.engines.process.process_spec import BoundPath, ProcessSpec
from driver.systems.commands.command_file import Command
from driver.systems.compose_config import TCP, ResolvedConfig
from driver.systems.door_compose import DoorOptions, DoorPlan, networks_needed, plan_doors
from driver.systems.door_names import own_network
from driver.systems.door_network import SubnetPlan, free_subnets
from driver.systems.doors import Door
from driver.systems.prober_compose import PROBER, PROBER_NETWORK, PROBER_SERVICE, prober_container
from driver.systems.system import System

LOOPBACK = "127.0.0.1"
ANY_PORT = 0
DOOR_MEMORY_BYTES, PROBER_MEMORY_BYTES = 1 << 30, 256 << 20
FIRST_REPLICA = 16
PASSED = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "VIRTUAL_ENV")
"""Variables of the command that starts a system, which each of its services has too."""
UNBUFFERED = "PYTHONUNBUFFERED"
"""Lets a program in Python write its output at once, also where no terminal reads it."""
_LAB_PATH = "/usr/local/bin:/usr/bin:/bin"


class RelayedPort(msgspec.Struct, frozen=True):
    """A port of this machine that leads into the lab: `use` is api, outside or inside.

    `name` is a door's service for its API, a service of the system for `outside`, a replica for `inside`.
    """

    use: str
    name: str
    target: int
    host: str
    port: int
    address: str

    def at_port(self, port: int) -> RelayedPort:
        """Return it as it is opened: at this port."""
        return msgspec.structs.replace(self, port=port)


@dataclass(frozen=True)
class CommandFolders:
    """Where a lab keeps what its processes mount: journals, and files written for one of them, by name."""

    journals: str
    files: str


@dataclass(frozen=True)
class CommandPlan:
    """The processes of a system: those of doors, the prober's, and one of each replica, by name.

    `hosts` are the texts of the replicas' hosts files, and `pairs` those of the doors' files of pairs.
    """

    doors: DoorPlan
    layout: NetworkLayout
    published: tuple[RelayedPort, ...]
    lab: tuple[ProcessSpec, ...]
    prober: ProcessSpec | None
    services: Mapping[str, ProcessSpec]
    hosts: Mapping[str, str]
    pairs: Mapping[str, str]


def replica_of(service: str, number: int) -> str:
    """Return the name of a replica: `api[1]`."""
    return f"{service}[{number}]"


def plan_commands(
    system: System,
    config: ResolvedConfig,
    commands: Mapping[str, Command],
    options: DoorOptions,
    folders: CommandFolders,
    variables: Mapping[str, str],
    user: tuple[int, int] | None,
) -> CommandPlan:
    """Return the plan of a system.

    `variables` are those of the command that starts it; `user` is that of the lab's own processes, None: the
    one of everything.
    """
    return _Planner(system, config, commands, options, folders, variables, user).plan()


class _Planner:
    def __init__(
        self,
        system: System,
        config: ResolvedConfig,
        commands: Mapping[str, Command],
        options: DoorOptions,
        folders: CommandFolders,
        variables: Mapping[str, str],
        user: tuple[int, int] | None,
    ) -> None:
        self._system = system
        self._config = config
        self._commands = commands
        self._options = options
        self._folders = folders
        self._variables = variables
        self._user = user
        names = networks_needed(system, config, options)
        self._subnets = dict(zip(names, free_subnets(len(names), (), 0), strict=True))
        # The name of a network is that of an interface too, which is short.
        self._short = {name: f"net{number}" for number, name in enumerate(names, 1)}
        self._doors = plan_doors(system, config, self._subnets, options)
        self._documents: Mapping[str, Any] = self._doors.document["services"]

    def plan(self) -> CommandPlan:
        doors = self._doors.doors
        return CommandPlan(
            self._doors,
            NetworkLayout(
                {self._short[name]: str(subnet) for name, subnet in self._subnets.items()},
                {self._short[name]: str(subnet[1]) for name, subnet in self._subnets.items()},
                tuple(self._short.values()),
            ),
            tuple(self._published()),
            tuple(map(self._door, doors)),
            self._prober() if doors else None,
            {
                replica_of(one.name, number): self._replica(one.name, number)
                for one in self._system.services
                for number in range(1, one.replicas + 1)
            },
            {
                replica_of(one.name, number): self._hosts(one.name, number)
                for one in self._system.services
                for number in range(1, one.replicas + 1)
            },
            {door.service: msgspec.json.encode(door.pairs).decode() for door in doors},
        )

    def _published(self) -> list[RelayedPort]:
        found = []
        for door in self._doors.doors:
            found.append(RelayedPort("api", door.service, door.api_port, LOOPBACK, ANY_PORT, door.api_host))
            for server in door.servers:
                for one in self._config.services[server].ports:
                    is_chosen = self._options.publish and one.published and one.protocol == TCP
                    host = one.host_ip or LOOPBACK if is_chosen else LOOPBACK
                    port = int(one.published) if is_chosen else ANY_PORT
                    found.append(RelayedPort("outside", server, one.target, host, port, door.api_host))
        for service in self._system.services:
            for number in range(1, service.replicas + 1):
                for target in service.ports:
                    name, address = replica_of(service.name, number), self._address(service.name, number)
                    found.append(RelayedPort("inside", name, target, LOOPBACK, ANY_PORT, address))
        return found

    def _address(self, service: str, number: int) -> str:
        """Return a replica's address on its own network: the one that its door dials, where there is one."""
        attached = self._documents[service]["networks"].value[own_network(service)]
        if fixed := attached.get("ipv4_address"):
            return str(fixed)
        return str(SubnetPlan(self._subnets[own_network(service)]).dynamic[FIRST_REPLICA + number])

    def _attached(self, document: Mapping[str, Any]) -> dict[str, str]:
        return {self._short[name]: end["ipv4_address"] for name, end in document["networks"].items()}

    def _own_process(self, name: str, process: str) -> dict[str, Any]:
        """Return what each process of the lab's own has: its journal, and a user that is not the system's."""
        return {
            "name": name, "service": name, "image": "", "run_as": self._user,
            "mounts": (BoundPath(f"{self._folders.journals}/{process}", "/journal"),),
        }  # fmt: skip

    def _door(self, door: Door) -> ProcessSpec:
        document = self._documents[door.service]
        own = self._own_process(door.service, door.process)
        pairs = BoundPath(f"{self._folders.files}/{door.service}", document["configs"][0]["target"])
        return ProcessSpec(
            **{**own, "mounts": (*own["mounts"], pairs)},
            argv=(TOXIPROXY_PROGRAM, *document["command"]),
            environment={"PATH": _LAB_PATH, "LOG_LEVEL": "info"},
            networks=self._attached(document),
            memory_bytes=DOOR_MEMORY_BYTES,
        )

    def _prober(self) -> ProcessSpec:
        host = self._doors.prober_host
        document: Mapping[str, Any] = prober_container("", host, self._folders.journals)
        return ProcessSpec(
            **self._own_process(PROBER_SERVICE, PROBER),
            module=MODULES[PROBER],
            environment={
                **document["environment"], "PATH": _LAB_PATH, "HOME": "/nonexistent",
                "JOURNAL_DIR": "/journal", "PYTHONDONTWRITEBYTECODE": "1",
            },
            networks={self._short[PROBER_NETWORK]: host},
            memory_bytes=PROBER_MEMORY_BYTES,
        )  # fmt: skip

    def _replica(self, service: str, number: int) -> ProcessSpec:
        command = self._commands[service]
        passed = {name: self._variables[name] for name in PASSED if name in self._variables}
        own = {
            name: self._variables.get(name, "") if value is None else value
            for name, value in command.environment.items()
            if value is not None or name in self._variables
        }
        return ProcessSpec(
            name=replica_of(service, number),
            service=service,
            image="",
            argv=command.argv,
            environment={UNBUFFERED: "1", **passed, **own},
            networks={self._short[own_network(service)]: self._address(service, number)},
            mounts=(BoundPath(f"{self._folders.files}/{replica_of(service, number)}", "/etc/hosts"),),
            keeps_files=True,
            begins_in=str(command.folder),
            host_name=f"{service}-{number}",
        )

    def _hosts(self, service: str, number: int) -> str:
        """Return a replica's hosts file: itself, and each server at the address of its door."""
        own = self._address(service, number)
        lines = [f"{LOOPBACK} localhost", f"{own} {service}-{number} {service}"]
        for door in self._doors.doors:
            end = self._documents[door.service]["networks"].get(own_network(service))
            if end:
                lines += [f"{end['ipv4_address']} {name}" for name in end.get("aliases", ())]
        return "\n".join(lines) + "\n"
