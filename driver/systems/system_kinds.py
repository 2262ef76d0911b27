"""The kinds of systems, by their files: containers of a Compose file, or commands of this machine.

All else takes a system from here, and never asks which kind it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from driver.engines.engine import Say
from driver.loads.load import OutsideNetwork
from driver.systems.describe_system import NONE, describe_system
from driver.systems.lab_of_system import StartedSystem, SystemLab
from driver.systems.plain_lab import PlainLab
from driver.systems.prepared_system import PreparedSystem
from driver.systems.replicas import SystemContainers
from driver.systems.running_system import RunningSystem, running_system
from driver.systems.system import System
from driver.systems.system_access import RunningAccess, SystemAccess
from driver.systems.system_file import COMPOSE, is_written, read_system_file
from driver.systems.system_images import door_image
from driver.systems.system_looks import DockerLooks, SystemLooks
from driver.systems.system_request import SystemRequest

Supposed = Mapping[str, Collection[int]]


class SystemLabControl(Protocol):
    """The lab of one system: starts it with doors, and takes it down."""

    def up(self, request: SystemRequest, say: Say) -> StartedSystem:
        """Start a system and return when all of it is ready. Raises LabError, and then nothing is left."""

    def prepare(self, request: SystemRequest, say: Say) -> PreparedSystem:
        """Make what a start needs, and return the system as it can be started; nothing of it is up.

        Raises LabError, and then nothing is left.
        """

    def start_prepared(self, system: PreparedSystem, say: Say) -> StartedSystem:
        """Start a system and return when all of it is ready. Raises LabError, and then nothing is left."""

    def interrupt(self) -> None:
        """End a `prepare` or a start that another thread is in, by an InterruptedCommandError there."""

    def containers(self) -> SystemContainers:
        """Return the containers of services and doors."""

    def refuse_far(self) -> None:
        """Raise UsageError where the engine shares no files with this machine: a run reads its journals."""

    def versions(self) -> dict[str, str]:
        """Return the versions of what runs the containers."""

    def image_ids(self, system: PreparedSystem) -> dict[str, str]:
        """Return the id of the image of each service that has one here."""

    def down(self) -> int:
        """Remove everything of the lab; return how many containers there were. Raises LabError."""


class LabWithoutDoors(Protocol):
    """Starts a system without doors, in a project of its own."""

    def start(self, request: SystemRequest, say: Say) -> System:
        """Start it, and return when all of it is ready. Raises LabError, and then nothing is left."""

    def containers(self) -> SystemContainers:
        """Return the containers of services."""

    def down(self) -> int:
        """Remove everything."""


class FullAccess(SystemAccess, Protocol):
    """All that loads and observations use of a system."""

    def outside_network(self) -> OutsideNetwork:
        """Return the network on which doors take connections from outside, for a load's container."""


@dataclass(frozen=True)
class SystemKind:
    """One kind of system. `engine` is the name of the engine that runs its containers.

    `reads` returns whether a file is of this kind, and `holds` whether something runs of a project of this
    kind; both raise nothing. `describe` returns a system without starting it, and services whose ports are
    not known yet; they have the ports supposed. `lab` takes a project, the folder of all systems, and the
    folder of a run's journals or None. `running` takes a project, its own folder, and how its file was given.
    `looks` takes a project. `plain` takes a project and the folder of all systems, and returns the lab that
    starts a system without doors; None where none can be.
    """

    name: str
    engine: str
    reads: Callable[[Path], bool]
    holds: Callable[[str], bool]
    describe: Callable[[SystemRequest, Supposed], tuple[PreparedSystem, list[str]]]
    lab: Callable[[str, Path, Path | None], SystemLabControl]
    running: Callable[[str, Path, str], RunningSystem]
    access: Callable[[RunningSystem], FullAccess]
    looks: Callable[[str], SystemLooks]
    plain: Callable[[str, Path], LabWithoutDoors] | None


def _command_kind() -> SystemKind:
    # Imported here: most systems are of containers.
    from driver.engines.process.process_abilities import ISOLATED
    from driver.engines.process.supervisor_client import SupervisorClient
    from driver.systems.commands.command_access import CommandAccess
    from driver.systems.commands.command_file import is_command_file
    from driver.systems.commands.command_lab import CommandLab, described
    from driver.systems.commands.command_looks import CommandLooks
    from driver.systems.commands.running_commands import COMMANDS, running_commands

    return SystemKind(
        COMMANDS, ISOLATED, is_command_file, lambda project: SupervisorClient(project).is_there(),
        lambda request, _: (described(request), []), CommandLab, running_commands, CommandAccess,
        CommandLooks, None,
    )  # fmt: skip


def kinds() -> tuple[SystemKind, ...]:
    """Return all kinds; the last one takes every file."""
    compose = SystemKind(
        COMPOSE, COMPOSE, lambda file: True, lambda project: False, describe_system,
        lambda project, folder, journals: SystemLab(project, door_image(), folder, journals),
        running_system, RunningAccess, DockerLooks,
        lambda project, folder: PlainLab(project, door_image(), folder),
    )  # fmt: skip
    return _command_kind(), compose


def kind_of(file: Path) -> SystemKind:
    """Return the kind of a file, also of one that is not there. Raises nothing."""
    return next(one for one in kinds() if one.reads(file))


def kind_up(project: str, folder: Path, file: Path) -> SystemKind:
    """Return the kind of the system that is up as a project, whatever its file has become since; where none
    is up, the kind of the file. `folder` is the system's own. Raises LabError.
    """
    if is_written(folder):
        written = read_system_file(folder, str(file)).kind
        return next(one for one in kinds() if one.name == written)
    return next((one for one in kinds() if one.holds(project)), kind_of(file))


def system_up(project: str, folder: Path, file: Path) -> RunningSystem:
    """Return the system of a file that is up as a project. Raises NoLabError, EngineError, LabError."""
    return kind_up(project, folder, file).running(project, folder, str(file))


def access_to(running: RunningSystem) -> FullAccess:
    """Return the access of loads and observations to a system that is up."""
    kind = next(one for one in kinds() if one.name == running.file.kind)
    return kind.access(running)


def described_system(request: SystemRequest, supposed: Supposed = NONE) -> tuple[PreparedSystem, list[str]]:
    """Return a system without starting it, as `SystemKind.describe` does."""
    return kind_of(request.files[0]).describe(request, supposed)
