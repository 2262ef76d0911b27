"""Whether some Docker hosts can carry one lab, by what they answer; if not, why, and the cure. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MIN_API = (1, 44)
"""Engine 25: several networks when a container is created, and health checks that begin fast."""
VXLAN_BYTES = 50
"""What vxlan adds to a packet: the overlay's MTU is that much smaller than the smallest of the hosts."""
MIN_MTU = 576


@dataclass(frozen=True)
class HostFacts:
    """What a host answered: its address by `--hosts`, `GET /version`, `GET /info`."""

    address: str
    version: Mapping[str, Any]
    info: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The host's own name."""
        return str(self.info.get("Name", ""))

    @property
    def swarm(self) -> Mapping[str, Any]:
        """Its membership of a swarm."""
        return self.info.get("Swarm") or {}

    @property
    def node_address(self) -> str:
        """Its address in the swarm, at which this machine reaches it."""
        return str(self.swarm.get("NodeAddr", ""))


def refusal(hosts: Sequence[HostFacts]) -> tuple[str, str] | None:
    """Return why these hosts cannot carry a lab together, and what to do; None where they can."""
    for host in hosts:
        api = tuple(int(part) for part in str(host.version.get("ApiVersion", "0")).split(".")[:2])
        if api < MIN_API:
            return (
                f"The engine of {host.address} is {host.version.get('Version')} (API "
                f"{host.version.get('ApiVersion')}); API {'.'.join(map(str, MIN_API))} was expected.",
                "Install engine 25 or a later one on that host.",
            )
    versions = sorted({str(host.version.get("Version", "")) for host in hosts})
    if len({version.split(".")[0] for version in versions}) > 1:
        return (
            f"The hosts have engines of several versions: {', '.join(versions)}.",
            "Install one version on all: their overlay networks are made by the engines together.",
        )
    twice = [name for name, count in Counter(host.name for host in hosts).items() if count > 1]
    if twice:
        return (
            f"Two hosts are named {twice[0]!r}: journals and faults could not name one of them.",
            "Give each host a name of its own (hostnamectl set-hostname), or name each once in --hosts.",
        )
    return _swarm_refusal(hosts)


def _swarm_refusal(hosts: Sequence[HostFacts]) -> tuple[str, str] | None:
    first, *others = hosts
    if first.swarm.get("LocalNodeState") != "active" or not first.swarm.get("ControlAvailable"):
        return (
            f"{first.name} ({first.address}) manages no swarm, whose overlay network connects the workers.",
            f"Make one: docker -H {first.address} swarm init --advertise-addr ADDRESS_OF_{first.name}",
        )
    join = (
        f"docker -H {first.address} swarm join-token worker shows the command; run it with "
        "docker -H {address} swarm join …"
    )
    manager = str(first.swarm.get("NodeAddr", ""))
    for host in others:
        managers = [
            str(one.get("Addr", "")).rpartition(":")[0] for one in host.swarm.get("RemoteManagers") or ()
        ]
        if host.swarm.get("LocalNodeState") != "active":
            return (
                f"{host.name} ({host.address}) is in no swarm ({host.swarm.get('LocalNodeState', 'none')}).",
                join.format(address=host.address),
            )
        if manager not in managers:
            return (
                f"{host.name} ({host.address}) is in another swarm than {first.name}: its managers are "
                f"{', '.join(managers) or 'unknown'}.",
                f"Let it leave that one (docker -H {host.address} swarm leave), then: "
                + join.format(address=host.address),
            )
    return None


def network_refusal(name: str, seen: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return why a host's network cannot carry the overlay, by what a container on it saw, or None."""
    if not seen.get("vxlan"):
        return (
            f"The kernel of {name} has no vxlan, by which an overlay network reaches other hosts.",
            "Load it on that host: modprobe vxlan",
        )
    mtu = int(seen.get("mtu", 0))
    if mtu - VXLAN_BYTES < MIN_MTU:
        return (
            f"The swarm's interface on {name} has an MTU of {mtu}, and vxlan adds {VXLAN_BYTES} bytes.",
            f"Set it to {MIN_MTU + VXLAN_BYTES} or more on that host: ip link set dev INTERFACE mtu 1500",
        )
    return None
