"""Describes a system without starting it: from `docker compose config` and the images of this machine."""

from __future__ import annotations

from driver.engines.docker_sdk import DockerSdk
from driver.systems.made_containers import replica_name
from driver.systems.prepared_system import PreparedSystem, prepared
from driver.systems.resolve_compose import resolve
from driver.systems.system_images import SystemImages
from driver.systems.system_request import SystemRequest, project_of


def describe_system(request: SystemRequest) -> tuple[PreparedSystem, list[str]]:
    """Return a system, and the services whose image is not here: ports that it names are not in the system.

    Raises UsageError for what cannot be started behind doors, and EngineError.
    """
    project = project_of(request.files[0])
    config = resolve(request.files, request.profiles)
    ports = SystemImages(project, DockerSdk(project, name=replica_name)).known_ports(config)
    return prepared(request, config, ports), [name for name in config.services if name not in ports]
