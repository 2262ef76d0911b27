"""Engine of a system that is up: reads, stops, freezes, unplugs and limits its containers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from driver.engines.compose_clients import in_parallel
from driver.engines.docker_answers import CPU_PERIOD_US, NetworkAttachment
from driver.engines.docker_containers import DockerContainers
from driver.engines.docker_sdk import DockerSdk
from driver.engines.engine import Container, Limits
from driver.errors import EngineError
from driver.subprocesses import ask
from driver.systems.compose_config import PREFIX
from driver.systems.made_containers import (
    NO_MEMORY_LIMIT,
    MadeContainer,
    degradations,
    layout_of,
    replica_name,
)
from driver.systems.prober_compose import PROBER_SERVICE
from driver.systems.replicas import Replica, system_containers

UPDATE_TIMEOUT_S = 20.0
SERVICE_GRACE_S = 1.0
"""All that is kept of a service is its log: how it ends after the run shows nothing."""
_NO_QUOTA = -1


class SystemEngine(DockerContainers):
    """Implements `engine.RunEngine` for the containers of one system, `api[2]` among them.

    `made` has each container as it was once the system was up. Contracts and errors are those of
    RunEngine.
    """

    def __init__(self, project: str, made: Mapping[str, MadeContainer]) -> None:
        super().__init__(DockerSdk(project, name=replica_name), project, layout_of(made, project))
        self._made = made

    def containers(self) -> list[Container]:
        return sorted(self._sdk.containers(), key=lambda one: (one.service, len(one.name), one.name))

    def stop_all(self, grace_s: float, *, processes_only: bool = False) -> None:
        """Stop the services, then the prober, then the doors and whatever else is the lab's.

        A service has SERVICE_GRACE_S at most.
        """
        alive = [one for one in self.containers() if one.status in ("running", "paused")]
        in_parallel(self.unpause, [one.name for one in alive if one.status == "paused"])
        own = [one for one in alive if one.service.startswith(PREFIX)]
        prober = [one for one in own if one.service == PROBER_SERVICE]
        rest = [one for one in own if one not in prober]
        services = [one for one in alive if one not in own]
        for group, limit_s in ((services, min(grace_s, SERVICE_GRACE_S)), (prober, grace_s), (rest, grace_s)):
            in_parallel(partial(self.stop, grace_s=limit_s), [one.name for one in group])

    def replicas(self) -> list[Replica]:
        """Return the containers of services, then the lab's own, each with how often it was restarted."""
        found = system_containers(self._sdk.summaries(), self.project).all
        restarts = in_parallel(lambda one: self._sdk.restarts(one.id), found)
        return [replace(one, restarts=count) for one, count in zip(found, restarts, strict=True)]

    def unplug(self, name: str) -> None:
        if not self._attachments(name):
            raise EngineError(f"{name} is on no network of its own, so it cannot be taken off one.")
        super().unplug(name)

    def limit(self, name: str, limits: Limits) -> None:
        if limits.cpus is not None:
            self._limit_cpus(name, limits.cpus)
        if limits.memory_bytes is not None:
            self._limit_memory(name, limits.memory_bytes, limits.memory_bytes)

    def unlimit(self, name: str, cpus: bool = True, memory: bool = True) -> None:
        made = self._made.get(name, MadeContainer())
        if cpus:
            self._limit_cpus(name, made.nano_cpus / 1e9 or made.quota_us / CPU_PERIOD_US or None)
        if memory:
            self._limit_memory(name, made.memory_bytes or NO_MEMORY_LIMIT, made.memory_swap_bytes)

    def degradations(self) -> dict[str, list[str]]:
        names = [one.name for one in self.containers()]
        found = in_parallel(
            lambda name: degradations(self._sdk.inspect(name), self._project, self._made), names
        )
        return {name: what for name, what in zip(names, found, strict=True) if what}

    def _limit_cpus(self, name: str, cpus: float | None) -> None:
        """Limit processor time in the way in which the container was made: the engine takes no other."""
        if self._made.get(name, MadeContainer()).nano_cpus:
            words = ["docker", "update", "--cpus", f"{cpus:.9f}", self._sdk.inspect(name)["Id"]]
            answer = ask(words, UPDATE_TIMEOUT_S)
            if not answer.ok:
                raise EngineError(f"The Docker engine refused a request about {name}: {answer.text}.")
            return
        self._sdk.limit(name, _NO_QUOTA if cpus is None else round(cpus * CPU_PERIOD_US), 0)

    def _limit_memory(self, name: str, memory_bytes: int, swap_bytes: int) -> None:
        """Limit memory, and memory with swap (0: no limit). The engine takes the two together."""
        swap_bytes = swap_bytes or NO_MEMORY_LIMIT
        self._sdk.call(
            name,
            lambda api, found: api.update_container(found, mem_limit=memory_bytes, memswap_limit=swap_bytes),
        )

    def _due_attachments(self, name: str) -> list[NetworkAttachment]:
        return list(self._made.get(name, MadeContainer()).attachments)
