"""Generates a system's second Compose file: one network a service, a door before each server. Pure.

A door is a container of the lab's Toxiproxy. It is on the network of each client of its servers, under the
names that they have there, and on each server's own network, and carries connections between them. Servers
share a door unless a client connects to both at one port: its address is the same for all of them. The
prober is on a network of the lab's own, on which doors take its connections and no service is.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from driver.systems.built_images import built_override
from driver.systems.compose_config import (
    TCP,
    ComposeService,
    PublishedPort,
    ResolvedConfig,
    names_of,
    share_network,
)
from driver.systems.compose_yaml import Removed, Replaced
from driver.systems.door_bypass import has_udp, physical_networks
from driver.systems.door_names import (
    API_LABEL,
    DOOR_LABEL,
    OUTSIDE_NETWORK,
    PUBLISHED_LABEL,
    door_name,
    egress_network,
    has_gateway,
    names_for,
    network_of,
    own_network,
    replicas_name,
)
from driver.systems.door_network import SubnetPlan
from driver.systems.doors import Door, DoorPair, shared_doors
from driver.systems.prober_compose import (
    OWN_PROCESS,
    PROBER,
    PROBER_NETWORK,
    door_flags,
    journal_mount,
)
from driver.systems.relay_compose import RELAY
from driver.systems.system import OUTSIDE, System

API_PORT = 8474
_PAIRS_FILE = "/pairs.json"
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class DoorOptions:
    """How a system is started. `publish` false lets the engine choose the host's ports, on loopback.

    `image` is of the doors. `journals` is a folder with one for each process of the lab; "" where the engine
    shares no files with this machine: then there are no journals and no prober.
    """

    image: str
    project: str
    egress: frozenset[str] = frozenset()
    publish: bool = True
    journals: str = ""


@dataclass(frozen=True)
class DoorPlan:
    """The generated Compose document, and the doors in it.

    `prober_host` is the prober's address, or ""; `relay_host` that of the relay on the network of published
    ports, or "" where no port is published.
    """

    document: Mapping[str, Mapping[str, object]]
    doors: tuple[Door, ...]
    prober_host: str = ""
    relay_host: str = ""


def networks_needed(system: System, config: ResolvedConfig, options: DoorOptions) -> list[str]:
    """Return the networks that the generated file has, each of which needs a subnet."""
    names = [own_network(one.name) for one in system.services if not config.services[one.name].network_mode]
    exits = [egress_network(one.name) for one in system.services if _has_egress(config, options, one.name)]
    return [*names, *exits, OUTSIDE_NETWORK, *([PROBER_NETWORK] if options.journals else [])]


def plan_doors(
    system: System,
    config: ResolvedConfig,
    subnets: Mapping[str, ipaddress.IPv4Network],
    options: DoorOptions,
) -> DoorPlan:
    """Return the generated file; `subnets` has one for each of `networks_needed`."""
    return _Planner(system, config, subnets, options).plan()


def goes_around(config: ResolvedConfig, server: str) -> bool:
    """Whether a server is on its clients' networks itself, since no door carries what it speaks.

    It was allowed, or else the system would have been refused.
    """
    return has_udp(server, config.services[server])


class _Planner:
    def __init__(
        self,
        system: System,
        config: ResolvedConfig,
        subnets: Mapping[str, ipaddress.IPv4Network],
        options: DoorOptions,
    ) -> None:
        self._system = system
        self._config = config
        self._options = options
        self._subnets = {name: SubnetPlan(subnet) for name, subnet in subnets.items()}
        self._around = {name for name in config.services if goes_around(config, name)}
        self._shared = shared_doors(system, self._around)

    def plan(self) -> DoorPlan:
        doors = [self._door(number, servers) for number, servers in enumerate(self._shared, 1)]
        services = {name: self._override(name, one) for name, one in sorted(self._config.services.items())}
        return DoorPlan(
            {
                "services": {
                    **services,
                    **{one.service: self._container(one) for one in doors},
                },
                "networks": {name: self._network(name) for name in self._subnets},
                "volumes": {name: self._volume(name) for name in sorted(self._config.volumes)},
                "configs": {one.service: {"content": _as_json(one.pairs)} for one in doors},
            },
            tuple(doors),
            self._address(PROBER_NETWORK, PROBER) if doors and self._options.journals else "",
            self._address(OUTSIDE_NETWORK, RELAY) if doors else "",
        )

    # -- the user's services -------------------------------------------------------------------------------

    def _override(self, name: str, service: ComposeService) -> dict[str, object]:
        """What differs from the user's file: networks, and names that another project may have."""
        changed: dict[str, object] = {}
        if not service.network_mode:
            changed["networks"] = Replaced(self._attachments(name, service))
            if service.ports and name not in self._around:
                changed["ports"] = Replaced([])
            if service.links:
                changed["links"] = Removed()
        if service.container_name:
            changed["container_name"] = Removed()
        changed |= built_override(self._options.project, name, service)
        doors = [
            door_name(number)
            for number, servers in enumerate(self._shared, 1)
            if set(servers) & set(service.depends_on) & set(self._system.servers_of(name))
        ]
        if doors:
            changed["depends_on"] = {door: {"condition": "service_healthy"} for door in doors}
        return changed

    def _attachments(self, name: str, service: ComposeService) -> dict[str, object]:
        own: dict[str, Any] = {"aliases": sorted({*names_of(name, service), replicas_name(name)})}
        if service.replicas == 1:
            # Fixed, so that a server that restarts is dialled at once, and that no dial waits for DNS.
            own["ipv4_address"] = self._address(own_network(name), name)
        attached: dict[str, object] = {own_network(name): own}
        if _has_egress(self._config, self._options, name):
            attached[egress_network(name)] = {}
        if name in self._around:
            for client in self._clients_around(name):
                attached[own_network(client)] = {"aliases": names_for(self._config, name, client)}
        for network in physical_networks(self._config, service):
            # Allowed by name, since it would have been refused.
            attached[network] = {"aliases": sorted(names_of(name, service))}
        return attached

    def _clients_around(self, server: str) -> list[str]:
        """The services that may connect to a server without a door, also where it has no TCP port."""
        written, every = self._config.services[server], sorted(self._config.services.items())
        return [
            name
            for name, one in every
            if name != server and not one.network_mode and share_network(one, written)
        ]

    # -- doors ---------------------------------------------------------------------------------------------

    def _door(self, number: int, servers: tuple[str, ...]) -> Door:
        name = door_name(number)
        pairs = [pair for pair in self._system.pairs if pair.server in servers]
        outside = {pair.port for pair in pairs if pair.client == OUTSIDE}
        api_port = next(port for port in range(API_PORT, 65_536) if port not in outside)
        listeners = tuple(
            DoorPair(
                str(pair),
                f"{self._address(network_of(pair.client), name)}:{pair.port}",
                f"{self._host(pair.server)}:{pair.port}",
            )
            for pair in pairs
        )
        probe_host = self._address(PROBER_NETWORK, name) if self._options.journals else ""
        return Door(name, servers, self._address(OUTSIDE_NETWORK, name), api_port, listeners, probe_host)

    def _host(self, server: str) -> str:
        """Where a door dials a server."""
        if self._config.services[server].replicas == 1:
            return self._address(own_network(server), server)
        return replicas_name(server)

    def _container(self, door: Door) -> dict[str, object]:
        upstreams = sorted({pair.upstream for pair in door.pairs})
        api = ["-host", door.api_host, "-port", str(door.api_port)]
        pairs = ["-pairs", _PAIRS_FILE, "-upstreams", ",".join(upstreams)]
        return {
            "image": self._options.image,
            "command": [*api, *pairs, *self._observed_by(door)],
            "configs": [{"source": door.service, "target": _PAIRS_FILE}],
            "networks": self._door_attachments(door),
            "ports": [_port(one) for one in self._published(door)],
            "volumes": self._journal_of(door.process),
            "healthcheck": {
                "test": ["CMD", "/toxiproxy", "healthcheck", *api],
                **{"interval": "30s", "timeout": "5s", "start_period": "30s", "start_interval": "200ms"},
            },
            "labels": {
                DOOR_LABEL: door.name,
                API_LABEL: str(door.api_port),
                PUBLISHED_LABEL: _as_json(self._servers_published(door)),
            },
            **OWN_PROCESS,
            # It listens on its servers' ports, below 1024 too, and is no router between its networks.
            "sysctls": {"net.ipv4.ip_unprivileged_port_start": "0", "net.ipv4.ip_forward": "0"},
            # For 4,096 connections, its most, at some 190 kB each while bytes pass both ways.
            "mem_limit": "1g",
        }

    def _observed_by(self, door: Door) -> list[str]:
        """The flags for the prober's connections and for the door's journal."""
        if not self._options.journals:
            return []
        return door_flags(door.probe_host, self._address(PROBER_NETWORK, PROBER), door.process)

    def _journal_of(self, process: str) -> list[object]:
        return journal_mount(self._options.journals, process) if self._options.journals else []

    def _door_attachments(self, door: Door) -> dict[str, object]:
        aliases: dict[str, set[str]] = {OUTSIDE_NETWORK: set()}
        for server in door.servers:
            aliases.setdefault(own_network(server), set())
            for client in self._system.clients_of(server):
                aliases.setdefault(own_network(client), set()).update(names_for(self._config, server, client))
        if door.probe_host:
            aliases[PROBER_NETWORK] = set()
        return {
            network: {
                "ipv4_address": self._address(network, door.service),
                **({"aliases": sorted(names)} if names else {}),
            }
            for network, names in aliases.items()
        }

    def _published(self, door: Door) -> list[PublishedPort]:
        """The servers' published ports, as written or of the engine's choice, and the API's."""
        wanted = [one for server in door.servers for one in self._config.services[server].ports]
        tcp = [one for one in wanted if one.protocol == TCP]
        if not self._options.publish:
            targets = sorted({one.target for one in tcp})
            tcp = [PublishedPort(target, host_ip=_LOOPBACK) for target in targets]
        return [*tcp, PublishedPort(door.api_port, host_ip=_LOOPBACK)]

    def _servers_published(self, door: Door) -> dict[str, str]:
        """The server of each published port of a door."""
        pairs = (pair for pair in self._system.pairs if pair.client == OUTSIDE)
        return {str(pair.port): pair.server for pair in pairs if pair.server in door.servers}

    # -- networks and volumes ------------------------------------------------------------------------------

    def _address(self, network: str, holder: str) -> str:
        return self._subnets[network].address(holder)

    def _network(self, name: str) -> dict[str, object]:
        plan = self._subnets[name]
        network: dict[str, object] = {
            "ipam": {"config": [{"subnet": str(plan.subnet), "ip_range": str(plan.dynamic)}]}
        }
        if has_gateway(name):
            return network
        # The host has no address on it: no service finds a gateway.
        options = {"com.docker.network.bridge.inhibit_ipv4": "true"}
        return {**network, "internal": True, "driver_opts": options}

    def _volume(self, name: str) -> object:
        """A volume of this project's own, whatever it is called or shared with in the user's file."""
        fresh = {"name": f"{self._options.project}_{name}"}
        return Replaced(fresh) if self._config.volumes[name].external else fresh


def _port(port: PublishedPort) -> dict[str, object]:
    """A port in Compose's long form, without what is left to the engine."""
    return {key: value for key, value in msgspec.to_builtins(port).items() if value != ""}


def _has_egress(config: ResolvedConfig, options: DoorOptions, name: str) -> bool:
    """Whether a service has a way out: it was asked for, or its published ports go around doors."""
    published = bool(config.services[name].ports) and goes_around(config, name)
    return (name in options.egress or published) and not config.services[name].network_mode


def _as_json(value: object) -> str:
    return msgspec.json.encode(value).decode()
