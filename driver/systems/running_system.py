"""A system that is up, as faults, healing and commands use it: its engine, its links, its model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from driver.engines.docker_sdk import DockerSdk
from driver.engines.engine import RunEngine
from driver.systems.door_api import DoorApi
from driver.systems.made_containers import replica_name
from driver.systems.prober_container import ProberContainer
from driver.systems.replicas import Replica, SystemContainers, system_containers
from driver.systems.system_engine import SystemEngine
from driver.systems.system_file import SystemFile, no_system, read_system_file
from driver.systems.system_links import SystemLinks
from driver.systems.system_prober import SystemProber

LOOPBACK = "127.0.0.1"
JOURNALS = "journals"


class SystemControl(RunEngine, Protocol):
    """All calls of the engine of a system that is up."""

    def replicas(self) -> list[Replica]:
        """Return the containers of services, then the lab's own, each with how often it was restarted."""


@dataclass(frozen=True)
class RunningSystem:
    """Implements `fault_lab.FaultLab`. `folder` is the system's in the state of this machine's lab.

    `prober` is None where the engine shares no files with this machine.
    """

    file: SystemFile
    folder: Path
    engine: SystemControl
    links: SystemLinks
    prober: SystemProber | None = None

    @property
    def compose_file(self) -> str:
        """The path of the first Compose file, which `--system` takes."""
        return self.file.files[0]

    @property
    def journals(self) -> Path:
        """The folder of the system's journals, one folder for each process of the lab."""
        return journals_of(self.file, self.folder)


def journals_of(file: SystemFile, folder: Path) -> Path:
    """Return the folder of a system's journals: a run has them in its own."""
    return Path(file.journals) if file.journals else folder / JOURNALS


def running_system(project: str, folder: Path, named: str) -> RunningSystem:
    """Return the system of a Compose file that is up as a project. `named` is how its file was given, for
    errors.

    Raises NoLabError where it is not up, EngineError, and LabError for a file that does not decode.
    """
    file = read_system_file(folder, named)
    looks = _Looks(project)
    if not looks.replicas():
        raise no_system(named)
    pairs = {door.name: door.pairs for door in file.doors}
    links = SystemLinks(pairs, looks.doors, looks.replicas)
    engine = SystemEngine(project, file.containers)
    prober = None
    if file.prober_host:
        journals = journals_of(file, folder)
        container = ProberContainer(project, folder, file.prober_host, journals)
        prober = SystemProber(file.doors, links, journals, container)
    return RunningSystem(file, folder, engine, links, prober)


class _Looks:
    """Reads a project's containers; keeps one client for each door while its port is the same."""

    def __init__(self, project: str) -> None:
        self._project = project
        self._sdk = DockerSdk(project, name=replica_name)
        self._doors: dict[tuple[str, int], DoorApi] = {}

    def replicas(self) -> Sequence[Replica]:
        return self._containers().replicas

    def doors(self) -> Mapping[str, DoorApi]:
        found = [(one.service, one.api_port) for one in self._containers().doors if one.api_port is not None]
        self._doors = {key: self._doors.get(key) or DoorApi(LOOPBACK, key[1]) for key in found}
        return {name: door for (name, _), door in self._doors.items()}

    def _containers(self) -> SystemContainers:
        return system_containers(self._sdk.summaries(), self._project)
