"""Reads, stops, freezes and unplugs the containers of one project by the Docker API."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Generator, Iterator
from dataclasses import replace

from driver.engines import cgroups, docker_answers
from driver.engines.compose_clients import in_parallel
from driver.engines.compose_states import ComposeEvents, ComposeStates
from driver.engines.docker_abilities import docker_abilities
from driver.engines.docker_answers import REFERENCE, LabLayout, NetworkAttachment
from driver.engines.docker_sdk import DockerSdk
from driver.engines.engine import Abilities, Container, ContainerState, ResourceReading
from driver.errors import AddressInUseError


class DockerContainers(ABC):
    """Implements ContainerReader but for degradations, ContainerControl and PlugControl of `engine`, and the
    reading of resources.

    Contracts and errors are those of these protocols. `layout` names the containers.
    """

    def __init__(self, sdk: DockerSdk, project: str, layout: LabLayout = REFERENCE) -> None:
        self._sdk = sdk
        self._project = project
        self._layout = layout
        self._unplugged: dict[str, list[NetworkAttachment]] = {}
        self._states = ComposeStates(sdk, project, layout)

    @property
    def project(self) -> str:
        return self._project

    @property
    def is_local(self) -> bool:
        return self._sdk.is_local

    @property
    def abilities(self) -> Abilities:
        return docker_abilities(self.is_local)

    # -- reading -------------------------------------------------------------------------------------------

    def containers(self) -> list[Container]:
        return self._sdk.containers()

    def inspect(self, name: str) -> ContainerState:
        return docker_answers.container_state(self._sdk.inspect(name), self._project, self._layout)

    def states(self, closely: Collection[str] = ()) -> dict[str, ContainerState]:
        return self._states.read(closely)

    def frozen(self) -> dict[str, bool]:
        return self._states.frozen()

    def events(self, since_ns: int | None = None) -> ComposeEvents:
        return self._states.events(since_ns)

    def log(self, name: str, tail: int | None = None) -> str:
        return self._sdk.log(name, "all" if tail is None else tail).decode(errors="replace")

    def whole_log(self, name: str) -> Generator[bytes, None, None]:
        return self._sdk.whole_log(name)

    def usage(self) -> list[ResourceReading]:
        running = [one for one in self.containers() if one.status == "running"]
        read = {one: cgroups.read_usage(one.name, one.id) if self.is_local else None for one in running}
        rest = [one for one, reading in read.items() if reading is None]
        asked = in_parallel(lambda one: docker_answers.resource_reading(one.name, self._sdk.stats(one)), rest)
        return [reading for reading in (*read.values(), *asked) if reading is not None]

    def follow_log(self, name: str, tail: int) -> Iterator[str]:
        for raw in self._sdk.follow(name, tail):
            yield raw.decode(errors="replace")

    # -- faults --------------------------------------------------------------------------------------------

    def pause(self, name: str) -> None:
        self._sdk.call(name, lambda api, found: api.pause(found))

    def unpause(self, name: str) -> None:
        self._sdk.call(name, lambda api, found: api.unpause(found))

    def terminate(self, name: str) -> None:
        """Ask a container's process to end, as a stop does, and do not wait until it has."""
        self._sdk.call(name, lambda api, found: api.kill(found, "SIGTERM"))

    def kill(self, name: str) -> None:
        self._sdk.call(name, lambda api, found: api.kill(found, "SIGKILL"))

    def start(self, name: str) -> None:
        try:
            self._sdk.start(name)
        except AddressInUseError:
            # A container that was reconnected requests its former address, which another container got
            # while this one was down.
            for attachment in self._attachments(name):
                self._sdk.disconnect(name, attachment)
                self._sdk.connect(name, replace(attachment, address=""))
            self._sdk.start(name)

    def stop(self, name: str, grace_s: float) -> None:
        self._sdk.call(name, lambda api, found: api.stop(found, timeout=round(grace_s)))

    def restart(self, name: str, grace_s: float) -> None:
        self._sdk.call(name, lambda api, found: api.restart(found, timeout=round(grace_s)))

    def unplug(self, name: str) -> None:
        self._unplugged[name] = self._attachments(name)
        for attachment in self._unplugged[name]:
            self._sdk.disconnect(name, attachment)

    def plug(self, name: str) -> None:
        have = {attachment.network for attachment in self._attachments(name)}
        for attachment in self._unplugged.pop(name, None) or self._due_attachments(name):
            if attachment.network in have:
                continue
            try:
                self._sdk.connect(name, attachment)
            except AddressInUseError:
                # Another container got its address meanwhile.
                self._sdk.connect(name, replace(attachment, address=""))

    def _attachments(self, name: str) -> list[NetworkAttachment]:
        return docker_answers.attachments(self._sdk.inspect(name), self._project, self._layout)

    @abstractmethod
    def _due_attachments(self, name: str) -> list[NetworkAttachment]:
        """Return the connections of a container as it was created: another process may have unplugged it."""
