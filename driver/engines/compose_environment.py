"""Variables of compose.yaml: written from a lab's specification, and read back from its containers. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from chaos.targets import client_name
from driver.engines import addresses
from driver.engines.docker_answers import Attributes
from driver.engines.engine import LabSpec

CLIENT_SETTINGS = "STORMLAB_WORKER_SETTINGS"
JOURNAL_TARGET = "/journal"
_CONTROL_PORT, _TOXIPROXY_PORT = 8766, 8474


def variables(spec: LabSpec) -> dict[str, str]:
    """Return the variables of compose.yaml for a lab. Empty ones are left out and keep their defaults."""
    every = {
        "STORMLAB_KEY": spec.key,
        "STORMLAB_CONTROL_TOKEN": spec.control_token,
        "STORMLAB_HOST": spec.host,
        "STORMLAB_TOXIPROXY_PORT": str(spec.toxiproxy_port),
        "STORMLAB_CONTROL_PORT": str(spec.control_port),
        "STORMLAB_COORDINATOR": spec.server_json,
        "STORMLAB_WORKER": spec.client_json,
        "STORMLAB_PROBER": spec.prober_json,
        "STORMLAB_CORE_PREFIX": addresses.core_prefix(spec.subnet_index),
        "STORMLAB_LINKS_SUBNET": addresses.links_subnet(spec.subnet_index),
        **_journal_mounts(spec.journals),
    }
    return {name: value for name, value in every.items() if value}


def settings_digest(compose_file: bytes, environment: Mapping[str, str]) -> str:
    """Return 16 hex digits over everything that clients are created from.

    Clients whose label has another digest were created with other settings.
    """
    total = hashlib.sha256(compose_file)
    for name, value in sorted(environment.items()):
        if "PROBER" not in name:
            total.update(f"{name}\0{value}\0".encode())
    return total.hexdigest()[:16]


def lab_spec(server: Attributes, toxiproxy: Attributes, client: Attributes | None) -> LabSpec:
    """Return the specification that a lab was started with, from the details of its containers.

    Settings of the prober are not read.
    """
    environment = _environment(server)
    host, control_port = _published(server, _CONTROL_PORT)
    _, toxiproxy_port = _published(toxiproxy, _TOXIPROXY_PORT)
    return LabSpec(
        key=environment.get("STORMLAB_KEY", ""),
        control_token=environment.get("STORMLAB_CONTROL_TOKEN", ""),
        host=host,
        toxiproxy_port=toxiproxy_port,
        control_port=control_port,
        server_json=environment.get("STORMLAB_COORDINATOR", ""),
        client_json=_environment(client).get("STORMLAB_WORKER", "") if client else "",
        subnet_index=int(environment["STORMLAB_LISTEN"].split(".")[2]),
        journals=folder.parent if (folder := _bind(server, JOURNAL_TARGET)) else None,
    )


def _journal_mounts(journals: Path | None) -> dict[str, str]:
    """Return a mount for each container that Compose itself creates; further clients are copies."""
    if journals is None:
        return {}
    processes = {"COORDINATOR": "coordinator", "PROBER": "prober", "WORKER": client_name(1)}
    # Without a source, /journal is a volume of the container's own.
    return {f"STORMLAB_{word}_JOURNAL": f"{journals / name}:" for word, name in processes.items()}


def _environment(details: Attributes) -> dict[str, str]:
    pairs = (line.partition("=") for line in details["Config"]["Env"] or [])
    return {name: value for name, _, value in pairs}


def _published(details: Attributes, port: int) -> tuple[str, int]:
    bound = (details["HostConfig"]["PortBindings"] or {}).get(f"{port}/tcp") or [{}]
    return bound[0].get("HostIp") or "127.0.0.1", int(bound[0].get("HostPort") or port)


def _bind(details: Attributes, target: str) -> Path | None:
    for mount in details["Mounts"]:
        if mount["Destination"] == target and mount["Type"] == "bind":
            return Path(mount["Source"])
    return None
