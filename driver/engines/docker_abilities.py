"""What a Docker engine does to containers, and by which mechanism. Pure."""

from __future__ import annotations

from chaos.abilities import Ability
from driver.engines.engine import Abilities

ENGINE_NAME = "compose"
_BY = {
    Ability.pause: "cgroup freezer",
    Ability.kill: "SIGKILL",
    Ability.stop: "SIGTERM, then SIGKILL",
    Ability.restart: "a new process in the same container",
    Ability.unplug: "disconnected from its Docker networks",
    Ability.cpu: "cgroup quota",
    Ability.memory: "cgroup limit",
    Ability.isolation: "internal Docker networks without a gateway",
}
_MOUNTS = "a folder of this machine, mounted into each container"


def docker_abilities(is_local: bool) -> Abilities:
    """Return the abilities of a Docker engine; `is_local`: it shares this machine's files."""
    if is_local:
        return Abilities(ENGINE_NAME, {**_BY, Ability.follow_journals: _MOUNTS})
    why = "the Docker engine is on another machine, which keeps them until the end"
    return Abilities(ENGINE_NAME, _BY, {Ability.follow_journals: why})
