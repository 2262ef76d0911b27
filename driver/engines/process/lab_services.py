"""What the processes of a lab are started from, by its specification. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from chaos.prober.settings import ProberSettings
from chaos.targets import CLIENT, SERVER, TOXIPROXY, client_name, client_number
from driver.engines.engine import PROBER, LabSpec
from driver.engines.process.lab_addresses import (
    API_PORT,
    CONTROL_PORT,
    SERVER_PORT,
    LabAddresses,
)
from driver.engines.process.process_spec import BoundPath, ProcessSpec
from driver.typed_json import decode_json

MODULES: Mapping[str, str] = {
    SERVER: "coordinator.__main__",
    CLIENT: "worker.__main__",
    PROBER: "chaos.prober.__main__",
}
MEMORY_BYTES: Mapping[str, int] = {
    TOXIPROXY: 512 << 20,
    SERVER: 1 << 30,
    CLIENT: 128 << 20,
    PROBER: 256 << 20,
}
"""Limits of memory, as in compose.yaml."""
CLIENT_CPUS = 1.0
CLIENT_FILE_BYTES = 2 << 30
USER = (10_001, 10_001)
TOXIPROXY_PROGRAM = "/toxiproxy"
_COMMON = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"}


@dataclass(frozen=True)
class ProcessPlace:
    """Where a lab's processes run: their addresses, folders, programs and images.

    `isolated`: each has a root folder and networks of its own; `as_user`: they can be another user's than the
    supervisor's.
    """

    addresses: LabAddresses
    isolated: bool
    as_user: bool
    stores: Path
    journals: Path
    toxiproxy: Path
    images: Mapping[str, str]


def process_specs(spec: LabSpec, place: ProcessPlace, names: Sequence[str]) -> list[ProcessSpec]:
    """Return what these processes of a lab are started from."""
    return [_process_spec(spec, place, name) for name in names]


def client_names(clients: int) -> list[str]:
    """Return the names of a number of clients."""
    return [client_name(index) for index in range(1, clients + 1)]


def _process_spec(spec: LabSpec, place: ProcessPlace, name: str) -> ProcessSpec:
    service = CLIENT if name.startswith(f"{CLIENT}-") else name
    folders, mounts = _folders(place, name)
    own = {
        TOXIPROXY: lambda: {"LOG_LEVEL": "info"},
        SERVER: lambda: _server_variables(spec, place, folders),
        CLIENT: lambda: _client_variables(spec, place, folders, client_number(name)),
        PROBER: lambda: _prober_variables(spec, place, folders),
    }[service]()
    return ProcessSpec(
        name=name,
        service=service,
        image=place.images.get(service, ""),
        module=MODULES.get(service, ""),
        argv=_toxiproxy_words(place) if service == TOXIPROXY else (),
        environment={**_COMMON, **own},
        networks=place.addresses.networks(name),
        mounts=mounts if place.isolated and service != TOXIPROXY else (),
        run_as=USER if place.as_user else None,
        switches_user=place.as_user and service == CLIENT,
        memory_bytes=MEMORY_BYTES[service],
        cpus=CLIENT_CPUS if service == CLIENT else None,
        file_bytes=CLIENT_FILE_BYTES if service == CLIENT else 0,
    )


def _toxiproxy_words(place: ProcessPlace) -> tuple[str, ...]:
    where = place.addresses
    program = TOXIPROXY_PROGRAM if place.isolated else str(place.toxiproxy)
    upstream = f"{where.server}:{SERVER_PORT}"
    return (program, "-host", where.toxiproxy_api, "-port", str(API_PORT), "-upstreams", upstream)


def _folders(place: ProcessPlace, name: str) -> tuple[Mapping[str, str], tuple[BoundPath, ...]]:
    """Return a process's own folders by their use as the process knows them, and as mounts."""
    real = {"journal": str(place.journals / name), "store": str(place.stores / name)}
    if not place.isolated:
        return real, ()
    inside = {use: f"/{use}" for use in real}
    return inside, tuple(BoundPath(real[use], inside[use]) for use in real)


def _server_variables(spec: LabSpec, place: ProcessPlace, folders: Mapping[str, str]) -> dict[str, str]:
    where = place.addresses
    return {
        "STORMLAB_KEY": spec.key,
        "STORMLAB_CONTROL_TOKEN": spec.control_token,
        "STORMLAB_COORDINATOR": spec.server_json,
        "STORMLAB_LISTEN": where.server,
        "COORDINATOR_PORT": str(SERVER_PORT),
        "CONTROL_LISTEN": where.server_control,
        "CONTROL_PORT": str(CONTROL_PORT),
        "JOURNAL_DIR": folders["journal"],
        "STORE_DIR": folders["store"],
    }


def _client_variables(
    spec: LabSpec, place: ProcessPlace, folders: Mapping[str, str], index: int
) -> dict[str, str]:
    found = {
        "STORMLAB_KEY": spec.key,
        "STORMLAB_WORKER": spec.client_json,
        "STORMLAB_LINKS_HOST": place.addresses.toxiproxy_links,
        "WORKER_INDEX": str(index),
        "JOURNAL_DIR": folders["journal"],
        "CHECKPOINT_DIR": folders["store"],
        "HEALTH_FILE": "/tmp/healthy" if place.isolated else f"{folders['store']}/healthy",
    }
    return {**found, "STORMLAB_RUN_AS": f"{USER[0]}:{USER[1]}"} if place.as_user else found


def _prober_variables(spec: LabSpec, place: ProcessPlace, folders: Mapping[str, str]) -> dict[str, str]:
    settings = spec.prober_json
    if not place.isolated:
        settings = prober_settings_at(settings, place.addresses.toxiproxy_links)
    return {"STORMLAB_PROBER": settings, "JOURNAL_DIR": folders["journal"]}


def prober_settings_at(text: str, host: str) -> str:
    """Return settings of a prober whose links are at `host` instead of Toxiproxy's name, which only networks
    of a lab's own have.
    """
    settings = decode_json(text or "{}", ProberSettings)
    links = tuple(
        msgspec.structs.replace(one, host=host) if one.host == TOXIPROXY else one for one in settings.links
    )
    return msgspec.json.encode(msgspec.structs.replace(settings, links=links)).decode()
