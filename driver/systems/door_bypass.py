"""Finds what cannot pass a door: traffic that no fault could hit and no receipt could prove. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from driver.errors import UsageError
from driver.systems.compose_config import (
    TCP,
    ComposeService,
    ResolvedConfig,
    exposed_ports,
    refuse_unknown_services,
    tcp_ports,
    texts_of,
)

DNS = 53
_CONTROLS_NETWORK = frozenset({"ALL", "NET_ADMIN", "SYS_ADMIN", "SYS_MODULE"})
_PHYSICAL_DRIVERS = ("macvlan", "ipvlan")
_ENGINE_SOCKETS = ("docker.sock", "containerd.sock", "podman.sock")
_ADDRESS_4 = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")
_ADDRESS_6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:.])")
_MOST_NAMED = 12

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Bypass:
    """One thing of a service that goes around doors: the key in the Compose file, and why.

    `works` says whether that traffic arrives where it is allowed.
    """

    service: str
    key: str
    why: str
    works: bool = True

    def __str__(self) -> str:
        return f"{self.key} {self.why}"


def bypasses(config: ResolvedConfig) -> list[Bypass]:
    """Return everything that cannot pass a door, in the order of the services' names."""
    networks = _user_networks(config)
    found = []
    for name, service in sorted(config.services.items()):
        around = (
            *_udp(name, service),
            *_shared_namespace(service),
            *_privileges(service),
            *_other_networks(config, service),
        )
        found += [Bypass(name, f"services.{name}.{key}", why) for key, why in around]
        lost = (*_links_outside(service), *_numeric_addresses(service, networks))
        found += [Bypass(name, f"services.{name}.{key}", why, works=False) for key, why in lost]
    return found


def refuse_bypasses(config: ResolvedConfig, allowed: Collection[str]) -> list[Bypass]:
    """Return what services in `allowed` have that cannot pass a door, for the report.

    Raises UsageError for any other service that has something, for what cannot work, and for an allowed
    service that has nothing. One without a port in the file may still be allowed: its image may have one.
    """
    refuse_unknown_services(config, "--bypass", allowed)
    found = bypasses(config)
    for name in sorted(set(allowed) - {one.service for one in found}):
        if tcp_ports(name, config.services[name]):
            raise unneeded_bypass(name)
    refused = [one for one in found if one.service not in allowed or not one.works]
    if refused:
        more = f" (and {len(refused) - _MOST_NAMED} more)" if len(refused) > _MOST_NAMED else ""
        lines = "".join(f"\n  {one}" for one in refused[:_MOST_NAMED])
        usable = dict.fromkeys(one.service for one in refused if one.works and one.service not in allowed)
        names = " ".join(f"--bypass {name}" for name in usable)
        count = "1 key" if len(refused) == 1 else f"{len(refused)} keys"
        raise UsageError(
            f"{count} of {config.name!r} cannot pass a door{more}:{lines}\n",
            f"Change the file, or allow it, without faults and receipts on that traffic: {names}"
            if names
            else "Change the file, or add one with -f that does.",
        )
    return found


def unneeded_bypass(name: str) -> UsageError:
    """Return the error for a service that is allowed to go around doors and does not."""
    return UsageError(f"--bypass {name}: everything of it passes a door.", "Leave it out.")


def has_udp(name: str, service: ComposeService) -> bool:
    """Whether a service has a port that no door can carry."""
    return any(True for _ in _udp(name, service))


def physical_networks(config: ResolvedConfig, service: ComposeService) -> list[str]:
    """A service's networks whose driver puts it on the machine's own network."""
    named = [name for name in service.networks if name in config.networks]
    return [name for name in named if config.networks[name].driver in _PHYSICAL_DRIVERS]


def _udp(name: str, service: ComposeService) -> Iterator[tuple[str, str]]:
    for index, port in enumerate(service.ports):
        if port.protocol != TCP and port.target != DNS:
            yield f"ports[{index}]", _not_carried(port.target, port.protocol)
    exposed = {pair for pair in exposed_ports(name, service) if pair[1] != TCP and pair[0] != DNS}
    for number, protocol in sorted(exposed):
        yield "expose", _not_carried(number, protocol)


def _not_carried(number: int, protocol: str) -> str:
    return f"has the {protocol.upper()} port {number}; doors carry TCP."


def _shared_namespace(service: ComposeService) -> Iterator[tuple[str, str]]:
    mode = service.network_mode
    if mode and mode != "none":
        yield "network_mode", f"is {mode!r}: the service has no network of its own, so no door can be on it."


def _links_outside(service: ComposeService) -> Iterator[tuple[str, str]]:
    for index, link in enumerate(service.external_links):
        outside = f"leads to {link.split(':')[0]!r}, a container that shares no network with the lab."
        yield f"external_links[{index}]", outside


def _privileges(service: ComposeService) -> Iterator[tuple[str, str]]:
    if service.privileged:
        yield "privileged", "is true: the service could change its own network."
    for index, capability in enumerate(service.cap_add):
        if capability.upper().removeprefix("CAP_") in _CONTROLS_NETWORK:
            yield f"cap_add[{index}]", f"is {capability}: the service could change its own network."
    for index, mount in enumerate(service.volumes):
        if mount.source.endswith(_ENGINE_SOCKETS):
            yield f"volumes[{index}]", f"is {mount.source}: the service could change any network."
    for index, origin in enumerate(service.volumes_from):
        if origin.startswith("container:"):
            yield f"volumes_from[{index}]", f"is {origin!r}, a container outside the system."


def _other_networks(config: ResolvedConfig, service: ComposeService) -> Iterator[tuple[str, str]]:
    for name in physical_networks(config, service):
        driver = config.networks[name].driver
        yield f"networks.{name}", f"has the driver {driver}: it reaches the machine's own network."


def _numeric_addresses(service: ComposeService, networks: Collection[_Network]) -> Iterator[tuple[str, str]]:
    """Addresses of the user's networks that are written as numbers: names lead to doors, numbers do not."""
    hosts = ((f"extra_hosts[{index}]", host) for index, host in enumerate(service.extra_hosts))
    for key, text in (*texts_of(service), *hosts):
        for found in (*_ADDRESS_4.findall(text), *_ADDRESS_6.findall(text)):
            try:
                address = ipaddress.ip_address(found)
            except ValueError:
                continue
            if any(address in network for network in networks):
                yield key, f"has {found}, in a network that the lab replaces; write the service's name."


def _user_networks(config: ResolvedConfig) -> list[_Network]:
    """Subnets that the file gives its networks, and single addresses that it gives its services."""
    subnets = [pool.subnet for one in config.networks.values() for pool in one.ipam.config or ()]
    ends = [end for one in config.services.values() for end in one.networks.values() if end is not None]
    fixed = [address for end in ends for address in (end.ipv4_address, end.ipv6_address)]
    found: list[_Network] = []
    for text in (*subnets, *fixed):
        try:
            found.append(ipaddress.ip_network(text, strict=False))
        except ValueError:
            continue
    return found
