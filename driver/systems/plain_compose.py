"""Generates the second Compose file of a system without doors, in a project of the lab's own. Pure.

Such a start shows what the system does without the lab. Networks and volumes are fresh, and no port is
published, so that the user's own project is not touched.
"""

from __future__ import annotations

from collections.abc import Mapping

from driver.systems.built_images import built_override
from driver.systems.compose_config import ComposeService, ResolvedConfig
from driver.systems.compose_yaml import Removed, Replaced
from driver.systems.door_bypass import physical_networks


def plain_document(config: ResolvedConfig, project: str) -> Mapping[str, Mapping[str, object]]:
    """Return the generated file. Networks on the machine's own network stay as they are."""
    physical = {name for one in config.services.values() for name in physical_networks(config, one)}
    return {
        "services": {
            name: _override(name, one, config, project) for name, one in sorted(config.services.items())
        },
        "networks": {
            name: _fresh(f"{project}_{name}", one.external, {"ipam": Removed()})
            for name, one in sorted(config.networks.items())
            if name not in physical
        },
        "volumes": {
            name: _fresh(f"{project}_{name}", one.external, {})
            for name, one in sorted(config.volumes.items())
        },
    }


def _fresh(name: str, external: bool, changed: Mapping[str, object]) -> object:
    """A network or volume of this project's own, whatever it is called or shared with in the file."""
    return Replaced({"name": name}) if external else {"name": name, **changed}


def _override(name: str, service: ComposeService, config: ResolvedConfig, project: str) -> dict[str, object]:
    changed: dict[str, object] = {}
    if service.ports:
        changed["ports"] = Replaced([])
    if service.container_name:
        changed["container_name"] = Removed()
    changed |= built_override(project, name, service)
    if not service.network_mode:
        # The names of its container in the user's own project.
        names = [service.container_name] if service.container_name else []
        if service.replicas == 1:
            names.append(f"{config.name}-{name}-1")
        changed["networks"] = {network: {"aliases": names} for network in service.networks}
    return changed
