"""Reads what Docker says about a lab: containers, addresses, what it was started with. Pure."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from driver.engines import addresses
from driver.engines.engine import (
    PROBER,
    WORKER,
    Container,
    EngineEvent,
    LabSpec,
    Limits,
    Standing,
    Usage,
)
from wire.address import worker_name

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
NUMBER = "com.docker.compose.container-number"
ONE_OFF = "com.docker.compose.oneoff"

MEMORY = "stormlab.memory"
CPU_QUOTA = "stormlab.cpu_quota"
CPU_PERIOD_US = 100_000
WORKER_SETTINGS = "STORMLAB_WORKER_SETTINGS"
_SHIFTS = {"k": 10, "m": 20, "g": 30}

Attributes = Mapping[str, Any]

# A cable carries what is under test. `control`, where the driver asks and measures, is never part of a fault.
_DUE = {WORKER: ("links",), PROBER: ("links",), "toxiproxy": ("links", "core"), "coordinator": ("core",)}
UNDER_TEST = ("links", "core")
_CORE_HOSTS = {"coordinator": 2, "toxiproxy": 3}


# States of a container whose process exists.
RUNS = ("running", "paused", "restarting")


@dataclass(frozen=True)
class Cable:
    """A container's end of one network; `address` "" takes any."""

    network: str
    address: str
    aliases: list[str]


def own_name(labels: Mapping[str, str]) -> str:
    """The lab's own name of a container: `worker-7`, or the service's."""
    service = labels.get(SERVICE, "?")
    return f"{service}-{labels.get(NUMBER, '?')}" if service == WORKER else service


def container(row: Attributes) -> Container:
    """One row of the engine's list of containers."""
    status = str(row["Status"])
    health = next((word for word in ("unhealthy", "healthy", "starting") if word in status), "")
    return Container(
        own_name(row["Labels"]), row["Labels"].get(SERVICE, ""), row["Id"], row["Image"], row["State"], health
    )


def natural(one: Container) -> tuple[str, int]:
    """Sorts `worker-2` before `worker-10`."""
    head, _, tail = one.name.rpartition("-")
    return (head, int(tail)) if tail.isdigit() else (one.name, 0)


def standing(attributes: Attributes, project: str) -> Standing:
    """How a container stands, from its inspection."""
    state, limits = attributes["State"], attributes["HostConfig"]
    running = state["Status"] in RUNS
    return Standing(
        status=state["Status"],
        exit_code=-1 if running else int(state["ExitCode"]),
        out_of_memory=bool(state["OOMKilled"]),
        plugged=_is_plugged(attributes, project),
        cpus=_cpus(limits),
        memory_bytes=limits["Memory"],
    )


def _cpus(limits: Attributes) -> float | None:
    """Cores that a container may use, set as a quota or, as `docker update --cpus` does, as a number."""
    if limits["CpuQuota"] > 0:
        return float(limits["CpuQuota"] / (limits.get("CpuPeriod") or CPU_PERIOD_US))
    return limits["NanoCpus"] / 1e9 if limits.get("NanoCpus") else None


def state_in_row(row: Attributes, read: Standing, project: str) -> Standing:
    """A row of the engine's list, which has status and networks, with the limits that were `read` before."""
    networks = attached(row["NetworkSettings"]["Networks"], row["State"])
    plugged = _due_networks(row["Labels"], project) <= set(networks)
    return replace(read, status=str(row["State"]), plugged=plugged)


def engine_event(raw: Attributes, project: str, names: Mapping[str, str], at_ns: int) -> EngineEvent | None:
    """One raw event; None where it is no change of this project's containers.

    `names` gives the lab's name of a container id: the event of a network names its container by id alone.
    """
    action, about = str(raw.get("Action", "")), raw.get("Actor", {}).get("Attributes", {})
    if raw.get("Type") == "network":
        network, name = str(about.get("name", "")), names.get(str(about.get("container", "")))
        if name is None or network.removeprefix(f"{project}_") not in UNDER_TEST:
            return None
        return EngineEvent(name, action, network.removeprefix(f"{project}_"), at_ns)
    if about.get(PROJECT) != project:
        return None
    detail = str(about.get("signal") or about.get("exitCode") or "")
    return EngineEvent(own_name(about), action, detail, at_ns)


def usage(name: str, stats: Attributes) -> Usage | None:
    """Figures of one stats answer; None when the container has just ended and there are none."""
    memory = stats.get("memory_stats", {})
    if "usage" not in memory:
        return None
    details = memory.get("stats", {})
    # The kernel takes the page cache back when it likes, so it is no cost of the process.
    cache = details.get("inactive_file", details.get("total_inactive_file", 0))
    return Usage(name, max(0, memory["usage"] - cache), stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9)


def cables(attributes: Attributes, project: str) -> list[Cable]:
    """What a container is plugged into now, `control` left out."""
    ends = attached(attributes["NetworkSettings"]["Networks"], attributes["State"]["Status"])
    return [
        Cable(network, end["IPAddress"], list(end["Aliases"] or []))
        for network, end in ends.items()
        if network.removeprefix(f"{project}_") in UNDER_TEST
    ]


def attached(networks: Attributes, status: str) -> Attributes:
    """Return the networks that a container is attached to.

    When the engine refuses to attach a running container (its address belongs to another container), it lists
    the network all the same, without an endpoint. A container that does not run has no endpoints at all.
    """
    runs = status in RUNS
    return {name: end for name, end in networks.items() if end.get("EndpointID") or not runs}


def due_cables(attributes: Attributes, core: Attributes, project: str) -> list[Cable]:
    """What a container should be plugged into; `core` is the inspection of the network of that name."""
    service = attributes["Config"]["Labels"][SERVICE]
    aliases = [service, attributes["Name"].removeprefix("/")]
    first = subnets([core])[0].network_address
    due = []
    for network in _DUE.get(service, ()):
        fixed = network == "core" and service in _CORE_HOSTS
        due.append(Cable(f"{project}_{network}", str(first + _CORE_HOSTS[service]) if fixed else "", aliases))
    return due


def made_with(labels: Mapping[str, str]) -> Limits:
    """The ceilings that a container was made with, which its labels keep through every later change."""
    memory, quota_us = labels[MEMORY], labels.get(CPU_QUOTA)
    return Limits(
        cpus=None if quota_us is None else int(quota_us) / CPU_PERIOD_US,
        memory_bytes=int(memory[:-1]) << _SHIFTS[memory[-1]],
    )


def hurts(attributes: Attributes, project: str) -> list[str]:
    """What about a container is not as it was made."""
    found = []
    now, made = standing(attributes, project), made_with(attributes["Config"]["Labels"])
    if now.status != "running":
        found.append(now.status)
    if not now.plugged:
        found.append("unplugged")
    if (now.cpus, now.memory_bytes) != (made.cpus, made.memory_bytes):
        found.append("limited")
    return found


def _is_plugged(attributes: Attributes, project: str) -> bool:
    due = _due_networks(attributes["Config"]["Labels"], project)
    return due <= set(attached(attributes["NetworkSettings"]["Networks"], attributes["State"]["Status"]))


def _due_networks(labels: Mapping[str, str], project: str) -> set[str]:
    return {f"{project}_{network}" for network in _DUE.get(labels.get(SERVICE, ""), ())}


def variables(spec: LabSpec) -> dict[str, str]:
    """What compose.yaml is told; what is empty keeps the default written there."""
    told = {
        "STORMLAB_KEY": spec.key,
        "STORMLAB_CONTROL_TOKEN": spec.control_token,
        "STORMLAB_HOST": spec.host,
        "STORMLAB_TOXIPROXY_PORT": str(spec.toxiproxy_port),
        "STORMLAB_CONTROL_PORT": str(spec.control_port),
        "STORMLAB_COORDINATOR": spec.coordinator_json,
        "STORMLAB_WORKER": spec.worker_json,
        "STORMLAB_PROBER": spec.prober_json,
        "STORMLAB_CORE_PREFIX": addresses.core_prefix(spec.room),
        "STORMLAB_LINKS_SUBNET": addresses.links_subnet(spec.room),
        **_journal_mounts(spec.journals),
    }
    return {name: value for name, value in told.items() if value}


def digest(compose_file: Path, told: Mapping[str, str]) -> str:
    """Sixteen hex digits over all that workers are made of; two that differ are workers of other settings."""
    total = hashlib.sha256(compose_file.read_bytes())
    for name, value in sorted(told.items()):
        if "PROBER" not in name:
            total.update(f"{name}\0{value}\0".encode())
    return total.hexdigest()[:16]


def _journal_mounts(journals: Path | None) -> dict[str, str]:
    """A mount for each of Compose's own containers; further workers are copies with others."""
    if journals is None:
        return {}
    processes = {"COORDINATOR": "coordinator", "PROBER": "prober", "WORKER": worker_name(1)}
    # Without it, /journal alone is a volume of the container's own.
    return {f"STORMLAB_{word}_JOURNAL": f"{journals / name}:" for word, name in processes.items()}


def subnets(networks: Iterable[Attributes]) -> list[ipaddress.IPv4Network]:
    """Every IPv4 network that the engine has given away."""
    found = []
    for network in networks:
        for config in (network.get("IPAM") or {}).get("Config") or []:
            if "." in config.get("Subnet", ""):
                found.append(ipaddress.IPv4Network(config["Subnet"], strict=False))
    return found


def spec(coordinator: Attributes, toxiproxy: Attributes, worker: Attributes | None) -> LabSpec:
    """What the containers of a lab were started with, from their inspections."""
    variables = _environment(coordinator)
    host, control_port = _published(coordinator, 8766)
    _, toxiproxy_port = _published(toxiproxy, 8474)
    return LabSpec(
        key=variables.get("STORMLAB_KEY", ""),
        control_token=variables.get("STORMLAB_CONTROL_TOKEN", ""),
        host=host,
        toxiproxy_port=toxiproxy_port,
        control_port=control_port,
        coordinator_json=variables.get("STORMLAB_COORDINATOR", ""),
        worker_json=_environment(worker).get("STORMLAB_WORKER", "") if worker else "",
        room=int(variables["STORMLAB_LISTEN"].split(".")[2]),
        journals=folder.parent if (folder := _bind(coordinator, "/journal")) else None,
    )


def _environment(attributes: Attributes) -> dict[str, str]:
    pairs = (line.partition("=") for line in attributes["Config"]["Env"] or [])
    return {name: value for name, _, value in pairs}


def _published(attributes: Attributes, port: int) -> tuple[str, int]:
    bound = (attributes["HostConfig"]["PortBindings"] or {}).get(f"{port}/tcp") or [{}]
    return bound[0].get("HostIp") or "127.0.0.1", int(bound[0].get("HostPort") or port)


def _bind(attributes: Attributes, target: str) -> Path | None:
    for mount in attributes["Mounts"]:
        if mount["Destination"] == target and mount["Type"] == "bind":
            return Path(mount["Source"])
    return None
