"""What is called how in a system's generated file: doors, their labels, networks, replicas. Pure."""

from __future__ import annotations

from driver.systems.compose_config import LAB_PREFIX, PREFIX, ResolvedConfig, names_of
from driver.systems.system import OUTSIDE

DOOR_LABEL = "stormlab.door"
API_LABEL = "stormlab.door_api"
PUBLISHED_LABEL = "stormlab.door_published"
OUTSIDE_NETWORK = f"{LAB_PREFIX}{OUTSIDE}"
_DOOR = f"{PREFIX}door-"
_EGRESS = f"{LAB_PREFIX}egress_"


def own_network(service: str) -> str:
    """The network of one service in the generated file."""
    return f"{PREFIX}{service}"


def network_of(client: str) -> str:
    """The network on which a door takes a client's connections."""
    return OUTSIDE_NETWORK if client == OUTSIDE else own_network(client)


def egress_network(service: str) -> str:
    """The network over which one service leaves the lab."""
    return f"{_EGRESS}{service}"


def has_gateway(network: str) -> bool:
    """Whether the host has an address on a network, over which its containers leave."""
    return network == OUTSIDE_NETWORK or network.startswith(_EGRESS)


def replicas_name(server: str) -> str:
    """The name of all replicas on their own network, which no door has: the engine's DNS takes turns."""
    return f"{PREFIX}replicas-{server}"


def door_name(number: int) -> str:
    """The service of a door in the generated file; the first is 1."""
    return f"{_DOOR}{number}"


def is_door(service: str) -> bool:
    """Whether a service of the generated file is a door: no service of the user's has such a name."""
    return service.startswith(_DOOR)


def names_for(config: ResolvedConfig, server: str, client: str) -> list[str]:
    """The names under which a client finds a server in the user's file, in order."""
    written, other = config.services[server], config.services[client]
    names = names_of(server, written, set(written.networks) & set(other.networks))
    for link in other.links:
        target, _, alias = link.partition(":")
        if target == server and alias:
            names.add(alias)
    if written.replicas == 1:
        names.add(f"{config.name}-{server}-1")
    return sorted(names)
