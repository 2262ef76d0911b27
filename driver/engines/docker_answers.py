"""Translates answers of the Docker API into the engine's values. Pure.

Shapes follow the Docker Engine API: `summary` is an element of `GET /containers/json`, `details` the answer
to `GET /containers/{id}/json`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from chaos.targets import CLIENT, SERVER, TOXIPROXY
from driver.engines.container_texts import NUMBER, PROJECT, SERVICE, health
from driver.engines.engine import PROBER, Container, ContainerState, EngineEvent, Limits, ResourceReading

MEMORY = "stormlab.memory"
CPU_QUOTA = "stormlab.cpu_quota"
CPU_PERIOD_US = 100_000
_SHIFTS = {"k": 10, "m": 20, "g": 30}

Attributes = Mapping[str, Any]

# Faults never touch `control`, the network of the driver's own requests and measurements.
_DUE = {CLIENT: ("links",), PROBER: ("links",), TOXIPROXY: ("links", "core"), SERVER: ("core",)}
UNDER_TEST = ("links", "core")
_CORE_HOSTS = {SERVER: 2, TOXIPROXY: 3}
RUNS = ("running", "paused", "restarting")
"""Statuses of a container whose process exists."""


Name = Callable[[Mapping[str, str]], str]
"""Returns a container's name in its lab, by its labels."""


@dataclass(frozen=True)
class NetworkAttachment:
    """A container's connection to one network; `address` "" accepts any."""

    network: str
    address: str
    aliases: list[str]


def container_name(labels: Mapping[str, str]) -> str:
    """Return the lab's own name of a container: `worker-7`, or the service's name."""
    service = labels.get(SERVICE, "?")
    return f"{service}-{labels.get(NUMBER, '?')}" if service == CLIENT else service


def container(summary: Attributes, name: Name = container_name) -> Container:
    """Return a container from its summary, under the name that `name` gives it by its labels."""
    return Container(
        name(summary["Labels"]),
        summary["Labels"].get(SERVICE, ""),
        summary["Id"],
        summary["Image"],
        summary["State"],
        health(str(summary["Status"])),
    )


def sort_key(one: Container) -> tuple[str, int]:
    """Return a key that sorts `worker-2` before `worker-10`."""
    head, _, tail = one.name.rpartition("-")
    return (head, int(tail)) if tail.isdigit() else (one.name, 0)


def container_state(details: Attributes, project: str, layout: LabLayout | None = None) -> ContainerState:
    """Return a container's state from its details; without a layout, as of the reference lab."""
    state, limits = details["State"], details["HostConfig"]
    running = state["Status"] in RUNS
    return ContainerState(
        status=state["Status"],
        exit_code=-1 if running else int(state["ExitCode"]),
        out_of_memory=bool(state["OOMKilled"]),
        plugged=_is_plugged(details, project, layout or REFERENCE),
        cpus=_cpus(limits),
        memory_bytes=limits["Memory"],
    )


def _cpus(limits: Attributes) -> float | None:
    """Return the limit in cores: a quota or, as `docker update --cpus` sets it, a number of cores."""
    if limits["CpuQuota"] > 0:
        return float(limits["CpuQuota"] / (limits.get("CpuPeriod") or CPU_PERIOD_US))
    return limits["NanoCpus"] / 1e9 if limits.get("NanoCpus") else None


def updated_state(
    summary: Attributes, read: ContainerState, project: str, layout: LabLayout | None = None
) -> ContainerState:
    """Return the earlier state `read` with status and networks of a summary, which lacks limits."""
    networks = attached(summary["NetworkSettings"]["Networks"], summary["State"])
    plugged = _due_networks(summary["Labels"], project, layout or REFERENCE) <= set(networks)
    return replace(read, status=str(summary["State"]), plugged=plugged)


def engine_event(
    raw: Attributes,
    project: str,
    names: Mapping[str, str],
    at_ns: int,
    layout: LabLayout | None = None,
) -> EngineEvent | None:
    """Return an event of the Docker API; None unless it is a change of a container of the project.

    `names` maps container ids to the lab's names: a network's event has only the id.
    """
    layout = layout or REFERENCE
    action, about = str(raw.get("Action", "")), raw.get("Actor", {}).get("Attributes", {})
    if raw.get("Type") == "network":
        network, name = str(about.get("name", "")), names.get(str(about.get("container", "")))
        own = network.removeprefix(f"{project}_")
        if name is None or not layout.is_under_test(own):
            return None
        return EngineEvent(name, action, own, at_ns)
    if about.get(PROJECT) != project:
        return None
    detail = str(about.get("signal") or about.get("exitCode") or "")
    return EngineEvent(layout.name(about), action, detail, at_ns)


def resource_reading(name: str, stats: Attributes) -> ResourceReading | None:
    """Return the figures of a stats answer; None when the container has just ended and has none."""
    memory = stats.get("memory_stats", {})
    if "usage" not in memory:
        return None
    details = memory.get("stats", {})
    # The kernel reclaims the page cache at any time, so it is no memory of the process.
    cache = details.get("inactive_file", details.get("total_inactive_file", 0))
    cpu_s = stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9
    return ResourceReading(name, max(0, memory["usage"] - cache), cpu_s)


def attachments(
    details: Attributes, project: str, layout: LabLayout | None = None
) -> list[NetworkAttachment]:
    """Return a container's present connections to networks under test."""
    layout = layout or REFERENCE
    ends = attached(details["NetworkSettings"]["Networks"], details["State"]["Status"])
    return [
        NetworkAttachment(network, end["IPAddress"], list(end["Aliases"] or []))
        for network, end in ends.items()
        if layout.is_under_test(network.removeprefix(f"{project}_"))
    ]


def attached(networks: Attributes, status: str) -> Attributes:
    """Return the networks that a container is attached to.

    When the engine refuses to attach a running container, because another container has its address, it lists
    the network nevertheless, without an endpoint. A container that does not run has no endpoints at all.
    """
    runs = status in RUNS
    return {name: end for name, end in networks.items() if end.get("EndpointID") or not runs}


def due_attachments(details: Attributes, core: Attributes, project: str) -> list[NetworkAttachment]:
    """Return the connections that compose.yaml gives a container; `core` is the details of that network."""
    service = details["Config"]["Labels"][SERVICE]
    aliases = [service, details["Name"].removeprefix("/")]
    first = subnets([core])[0].network_address
    due = []
    for network in _DUE.get(service, ()):
        fixed = network == "core" and service in _CORE_HOSTS
        address = str(first + _CORE_HOSTS[service]) if fixed else ""
        due.append(NetworkAttachment(f"{project}_{network}", address, aliases))
    return due


def created_limits(labels: Mapping[str, str]) -> Limits:
    """Return the limits that a container was created with, which its labels keep through later changes."""
    memory, quota_us = labels[MEMORY], labels.get(CPU_QUOTA)
    return Limits(
        cpus=None if quota_us is None else int(quota_us) / CPU_PERIOD_US,
        memory_bytes=int(memory[:-1]) << _SHIFTS[memory[-1]],
    )


def degradations(details: Attributes, project: str) -> list[str]:
    """Return how a container differs from its creation: its status, `unplugged`, `limited`."""
    found = []
    now, made = container_state(details, project), created_limits(details["Config"]["Labels"])
    if now.status != "running":
        found.append(now.status)
    if not now.plugged:
        found.append("unplugged")
    if (now.cpus, now.memory_bytes) != (made.cpus, made.memory_bytes):
        found.append("limited")
    return found


def exposed_ports(image: Attributes) -> list[int]:
    """Return the TCP ports that an image declares, in order, from its details."""
    found = [port.partition("/") for port in image["Config"].get("ExposedPorts") or ()]
    return sorted(int(number) for number, _, protocol in found if protocol in ("", "tcp"))


def subnets(networks: Iterable[Attributes]) -> list[ipaddress.IPv4Network]:
    """Return the IPv4 subnets of networks, from their details."""
    found = []
    for network in networks:
        for config in (network.get("IPAM") or {}).get("Config") or []:
            if "." in config.get("Subnet", ""):
                found.append(ipaddress.IPv4Network(config["Subnet"], strict=False))
    return found


def _is_plugged(details: Attributes, project: str, layout: LabLayout) -> bool:
    due = _due_networks(details["Config"]["Labels"], project, layout)
    return due <= set(attached(details["NetworkSettings"]["Networks"], details["State"]["Status"]))


def _due_networks(labels: Mapping[str, str], project: str, layout: LabLayout) -> set[str]:
    return {f"{project}_{network}" for network in layout.due_networks(labels)}


@dataclass(frozen=True)
class LabLayout:
    """How a lab names its containers, and which of its networks are under test.

    `due_networks` returns the networks under test of a container by its labels. Networks have no prefix of
    the project.
    """

    name: Name
    due_networks: Callable[[Mapping[str, str]], Collection[str]]
    is_under_test: Callable[[str], bool]


REFERENCE = LabLayout(
    container_name,
    lambda labels: _DUE.get(labels.get(SERVICE, ""), ()),
    lambda network: network in UNDER_TEST,
)
"""The layout of compose.yaml, the reference lab."""
