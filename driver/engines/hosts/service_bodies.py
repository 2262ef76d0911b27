"""Bodies of `POST /containers/create` for the services of compose.yaml, from its resolved form. Pure.

What Compose does for the engine of one machine is done here for the engines of several: compose.yaml is the
only place that says what a service is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from driver.engines.container_texts import ENGINE, NUMBER, PROJECT, SERVICE
from driver.engines.docker_answers import CPU_PERIOD_US
from driver.engines.hosts import ENGINE_NAME

Service = Mapping[str, Any]
_UNITS_NS = {"h": 3_600_000_000_000, "m": 60_000_000_000, "s": 1_000_000_000, "ms": 1_000_000, "us": 1_000}
_DURATION = re.compile(r"(\d+)(h|ms|us|m|s)")
_TRANSLATED = {
    *("image", "command", "entrypoint", "environment", "user", "cap_add", "cap_drop", "read_only", "tmpfs"),
    *("pids_limit", "security_opt", "logging", "mem_limit", "cpu_quota", "labels", "ulimits", "volumes"),
    *("networks", "ports", "init", "restart", "healthcheck", "stop_grace_period"),
    # These say how an image is built, and in which order services start: the driver does both.
    *("build", "depends_on", "profiles"),
}


def body(
    project: str, service: str, definition: Service, image: str, addresses: Mapping[str, str], number: int = 1
) -> dict[str, Any]:
    """Return the body of a container of a service.

    `image` is the image's id. `addresses` maps networks to the fixed address that the container has there.
    Raises ValueError for a key of compose.yaml that is not translated: nothing is left out silently.
    """
    if unknown := sorted(definition.keys() - _TRANSLATED):
        raise ValueError(
            f"compose.yaml gives {service} {', '.join(unknown)}, which this engine cannot create"
        )
    labels = {PROJECT: project, SERVICE: service, NUMBER: str(number), ENGINE: ENGINE_NAME}
    networks = list(definition.get("networks") or {})
    return {
        "Image": image,
        "Cmd": definition.get("command"),
        "Entrypoint": definition.get("entrypoint"),
        "Env": [f"{name}={value}" for name, value in (definition.get("environment") or {}).items()],
        "User": definition.get("user", ""),
        "Labels": {**(definition.get("labels") or {}), **labels},
        "Healthcheck": _health(definition.get("healthcheck")),
        "StopTimeout": _duration_ns(definition.get("stop_grace_period", "10s")) // 1_000_000_000,
        "ExposedPorts": {f"{port['target']}/tcp": {} for port in definition.get("ports") or ()},
        "HostConfig": _host(project, definition, networks),
        "NetworkingConfig": {
            "EndpointsConfig": {
                f"{project}_{network}": _endpoint(project, service, number, definition, network, addresses)
                for network in networks
            }
        },
    }


def container_name(project: str, service: str, number: int = 1) -> str:
    """Return the name under which a host has a container."""
    return f"{project}-{service}-{number}"


def _host(project: str, definition: Service, networks: list[str]) -> dict[str, Any]:
    memory = int(definition.get("mem_limit", 0))
    quota_us = int(definition.get("cpu_quota", 0))
    logging = definition.get("logging") or {}
    return {
        "Init": definition.get("init", False),
        "RestartPolicy": {"Name": definition.get("restart", "no")},
        "CapAdd": definition.get("cap_add"),
        "CapDrop": definition.get("cap_drop"),
        "ReadonlyRootfs": definition.get("read_only", False),
        "Tmpfs": dict(_split(one) for one in definition.get("tmpfs") or ()),
        "PidsLimit": definition.get("pids_limit"),
        "SecurityOpt": definition.get("security_opt"),
        "LogConfig": {"Type": logging.get("driver", "json-file"), "Config": logging.get("options") or {}},
        "Memory": memory,
        "MemorySwap": 2 * memory,
        "CpuPeriod": CPU_PERIOD_US if quota_us else 0,
        "CpuQuota": quota_us,
        "Ulimits": [
            {"Name": name, "Soft": int(limit), "Hard": int(limit)}
            for name, limit in (definition.get("ulimits") or {}).items()
        ],
        "Mounts": [_mount(project, one) for one in definition.get("volumes") or ()],
        "PortBindings": {
            f"{port['target']}/tcp": [{"HostIp": port.get("host_ip", ""), "HostPort": str(port["published"])}]
            for port in definition.get("ports") or ()
        },
        "NetworkMode": f"{project}_{networks[0]}" if networks else "none",
    }


def _endpoint(
    project: str, service: str, number: int, definition: Service, network: str, addresses: Mapping[str, str]
) -> dict[str, Any]:
    given = (definition["networks"] or {})[network] or {}
    address = addresses.get(network) or given.get("ipv4_address")
    aliases = [service, container_name(project, service, number), *(given.get("aliases") or ())]
    return {"Aliases": aliases, "IPAMConfig": {"IPv4Address": address} if address else None}


def _mount(project: str, volume: Mapping[str, Any]) -> dict[str, Any]:
    if volume["type"] != "volume":
        raise ValueError(f"compose.yaml mounts {volume.get('source')}, a folder of one machine")
    source = volume.get("source")
    named = {"Source": f"{project}_{source}"} if source else {}
    return {"Type": "volume", "Target": volume["target"], **named}


def _split(text: str) -> tuple[str, str]:
    path, _, options = text.partition(":")
    return path, options


def _health(check: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if check is None:
        return None
    return {
        "Test": check["test"],
        "Interval": _duration_ns(check.get("interval", "30s")),
        "Timeout": _duration_ns(check.get("timeout", "30s")),
        "StartPeriod": _duration_ns(check.get("start_period", "0s")),
        "StartInterval": _duration_ns(check.get("start_interval", "5s")),
    }


def _duration_ns(text: str) -> int:
    return sum(int(count) * _UNITS_NS[unit] for count, unit in _DURATION.findall(text))
