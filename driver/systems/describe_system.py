"""Describes a system without starting it: from `docker compose config` and the images of this machine."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from driver.engines.docker_sdk import DockerSdk
from driver.systems.compose_config import tcp_ports
from driver.systems.made_containers import replica_name
from driver.systems.prepared_system import PreparedSystem, prepared
from driver.systems.resolve_compose import resolve
from driver.systems.system_images import SystemImages
from driver.systems.system_request import SystemRequest, project_of

NONE: Mapping[str, Collection[int]] = MappingProxyType({})
NOT_KNOWN = 0
"""Stands for the port of a service whose ports are known once its image is built or pulled."""


def describe_system(
    request: SystemRequest, supposed: Mapping[str, Collection[int]] = NONE
) -> tuple[PreparedSystem, list[str]]:
    """Return a system, and its services without a port so far, whose image is not here and may name one.

    In the system these have the ports in `supposed`, by service, or else NOT_KNOWN. Raises UsageError for
    what cannot be started behind doors, and EngineError.
    """
    project = project_of(request.files[0])
    config = resolve(request.files, request.profiles)
    ports = SystemImages(project, DockerSdk(project, name=replica_name)).known_ports(config)
    listening = {name: request.ports.get(name, ()) for name in config.services}
    open_ = [
        name
        for name, one in config.services.items()
        if name not in ports and name not in request.bypass and not tcp_ports(name, one, listening[name])
    ]
    ports |= {name: set(supposed.get(name, ())) or {NOT_KNOWN} for name in open_}
    return prepared(request, config, ports), sorted(open_)
