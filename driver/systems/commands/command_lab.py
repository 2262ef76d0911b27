"""Starts a system of commands with doors, and takes it down: nothing is left, also where a start fails."""

from __future__ import annotations

import os
import shlex
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from driver.engines.engine import Say
from driver.engines.process.lab_folder import lab_folder, make_private_folder
from driver.engines.process.lab_services import MODULES, TOXIPROXY_PROGRAM, USER
from driver.engines.process.namespaces import is_privileged, refusal
from driver.engines.process.requests import SupervisorPlace
from driver.engines.process.toxiproxy_binary import binary_path, ensure_binary
from driver.errors import EngineError, NotReadyError, PortInUseError, UsageError
from driver.nouns import counted
from driver.paths import project_root, shown_path
from driver.systems.commands.command_containers import CommandDescription
from driver.systems.commands.command_engine import CommandEngine
from driver.systems.commands.command_file import CommandFile, read_commands
from driver.systems.commands.command_plan import CommandFolders, CommandPlan, plan_commands
from driver.systems.commands.command_watch import READY_TIMEOUT_S, CommandWatch
from driver.systems.commands.running_commands import COMMANDS, running_commands
from driver.systems.door_api import DoorApi
from driver.systems.door_compose import DoorOptions
from driver.systems.failed_start import down_after
from driver.systems.lab_of_system import StartedSystem
from driver.systems.made_containers import MadeContainer
from driver.systems.prepared_system import PreparedSystem, prepared
from driver.systems.prober_compose import PROBER
from driver.systems.replicas import SystemContainers
from driver.systems.running_system import JOURNALS
from driver.systems.system_file import SystemFile, write_system_file
from driver.systems.system_removal import remove_folder
from driver.systems.system_request import SystemRequest

DOORS_WITHIN_S = 20.0
POLL_S = 0.02
FILES = "files"
"""Folder of a system with what is written for one process each: hosts files, pairs of doors."""


@dataclass(frozen=True)
class _Begun:
    """A start that has begun: its plan, and the watch of its services."""

    plan: CommandPlan
    watch: CommandWatch


class CommandLab:
    """Implements `system_kind.SystemLabControl` for a system of commands.

    `folder` has one folder for each system. `journals` is the folder of a run's journals; None: they are kept
    in the system's own, until `down`.
    """

    def __init__(
        self,
        project: str,
        folder: Path,
        journals: Path | None = None,
        ready_within_s: float = READY_TIMEOUT_S,
    ) -> None:
        self._project = project
        self._ready_within_s = ready_within_s
        self._folder = folder / project
        self._journals = journals
        self._engine = CommandEngine(project, {})
        self._stop = threading.Event()
        self._watch: CommandWatch | None = None

    # -- up ------------------------------------------------------------------------------------------------

    def up(self, request: SystemRequest, say: Say) -> StartedSystem:
        """Start a system and return when all of it is ready. Raises LabError, and then nothing is left."""
        return self.start_prepared(self.prepare(request, say), say)

    def prepare(self, request: SystemRequest, say: Say) -> PreparedSystem:
        """Return the system as it can be started, with the program of its doors built. Raises LabError."""
        self._stop.clear()
        found = described(request)
        if why := refusal():
            raise EngineError(f"A system of commands needs namespaces of its own. {why}")
        if self._engine.is_there():
            named = shlex.quote(shown_path(request.files[0]))
            raise UsageError(
                f"The system is up already, as the project {self._project!r}.",
                f"Take it down first: python lab.py down --system {named}",
            )
        ensure_binary(project_root(), say, self._stop.is_set)
        return found

    def start_prepared(self, system: PreparedSystem, say: Say) -> StartedSystem:
        """Start a system and return when all of it is ready. Raises LabError, and then nothing is left."""
        file = system.request.files[0]
        try:
            begun = self._start(system, read_commands(file), say)
            begun.watch.wait_ready()
            write_system_file(self._folder, self._as_file(system, begun.plan))
            if begun.plan.doors.doors:
                links = running_commands(self._project, self._folder, str(file)).links
                links.create(links.wanted())
        except BaseException as error:
            say("Taking down what was started.")
            down_after(error, self.down, say)
            raise
        published = self.containers().published
        return StartedSystem(
            system.system, begun.plan.doors, system.bypassed, system.portless, published=published
        )

    def interrupt(self) -> None:
        """End a `prepare` or a start that another thread is in, by an InterruptedCommandError there."""
        self._stop.set()
        if self._watch is not None:
            self._watch.interrupt()

    def _start(self, system: PreparedSystem, file: CommandFile, say: Say) -> _Begun:
        plan = self._plan(system, file)
        self._write_files(plan)
        ports = self._begin(plan)
        description = self._description(system, plan, ports)
        self._engine.describe(description)
        services = counted(len(plan.services), "service")
        say(f"Starting {services}, {counted(len(plan.lab), 'door')}.")
        self._engine.create([*plan.lab, *plan.services.values()])
        self._engine.start_all([one.name for one in plan.lab])
        self._wait_for_doors(description)
        self._watch = CommandWatch(self._engine, description, file.config.services, self._ready_within_s)
        if self._stop.is_set():
            self._watch.interrupt()
        return _Begun(plan, self._watch)

    def _plan(self, system: PreparedSystem, file: CommandFile) -> CommandPlan:
        request = system.request
        options = DoorOptions(
            "", self._project, publish=request.publish, journals=str(self._journal_folder.resolve())
        )
        folders = CommandFolders(options.journals, str((self._folder / FILES).resolve()))
        user = USER if is_privileged() else None
        return plan_commands(
            system.system, file.config, file.commands, options, folders, dict(os.environ), user
        )

    @property
    def _journal_folder(self) -> Path:
        return self._folder / JOURNALS if self._journals is None else self._journals

    def _write_files(self, plan: CommandPlan) -> None:
        """Write what single processes mount, and make a folder of journals for each of the lab's own."""
        files = self._folder / FILES
        files.mkdir(parents=True, exist_ok=True)
        for name, text in {**plan.hosts, **plan.pairs}.items():
            (files / name).write_text(text)
            (files / name).chmod(0o644)
        owner = USER if is_privileged() else None
        for process in (PROBER, *(door.process for door in plan.doors.doors)):
            remove_folder(self._journal_folder / process)
            make_private_folder(self._journal_folder / process, owner)

    def _begin(self, plan: CommandPlan) -> tuple[int, ...]:
        place = SupervisorPlace(
            project=self._project,
            folder=str(lab_folder(self._project)),
            checkout=str(project_root()),
            code={},
            modules=(MODULES[PROBER],),
            published=tuple((one.host, one.port, one.address, one.target) for one in plan.published),
            programs={TOXIPROXY_PROGRAM: str(binary_path(project_root()))},
            hosts={},
            isolated=True,
            layout=plan.layout,
        )
        try:
            return self._engine.begin(place, self._stop.is_set)
        except PortInUseError as error:
            raise PortInUseError(error.sentence, "Publish on free ports: --any-ports") from None

    def _description(
        self, system: PreparedSystem, plan: CommandPlan, ports: tuple[int, ...]
    ) -> CommandDescription:
        listening = {one.name: one.ports for one in system.system.services}
        return CommandDescription(
            project=self._project,
            addresses={name: next(iter(one.networks.values())) for name, one in plan.services.items()},
            ports={name: listening[one.service] for name, one in plan.services.items()},
            doors={door.service: door.name for door in plan.doors.doors},
            published=tuple(one.at_port(port) for one, port in zip(plan.published, ports, strict=True)),
            prober=plan.prober,
        )

    def _wait_for_doors(self, description: CommandDescription) -> None:
        apis = {one.name: DoorApi(one.host, one.port) for one in description.published if one.use == "api"}
        deadline = time.monotonic() + DOORS_WITHIN_S
        while apis:
            apis = {name: api for name, api in apis.items() if not api.is_up()}
            if apis and time.monotonic() > deadline:
                name = next(iter(apis))
                raise NotReadyError(
                    f"After {DOORS_WITHIN_S:g} s the door of {description.doors[name]} does not answer. "
                    f"Its last lines: {self._engine.tail(name, 4).strip() or '(none)'}"
                )
            time.sleep(POLL_S)

    def _as_file(self, system: PreparedSystem, plan: CommandPlan) -> SystemFile:
        """Return what later commands need, with every process as it is now: no fault has been on it."""
        request = system.request
        made = {row.name: MadeContainer(runs=row.status != "exited") for row in self._engine.rows()}
        return SystemFile(
            project=self._project,
            files=[str(file.resolve()) for file in request.files],
            system=system.system,
            doors=list(plan.doors.doors),
            containers=made,
            bypass=sorted(request.bypass),
            prober_host=plan.doors.prober_host,
            journals="" if self._journals is None else str(self._journals.resolve()),
            kind=COMMANDS,
        )

    # -- while it is up, and down ---------------------------------------------------------------------------

    def containers(self) -> SystemContainers:
        """Return the processes of services and doors."""
        return self._engine.system_containers()

    def versions(self) -> dict[str, str]:
        """Return the versions of what runs the processes."""
        return self._engine.versions()

    def refuse_far(self) -> None:
        """Raise nothing: processes are on this machine."""

    def image_ids(self, system: PreparedSystem) -> dict[str, str]:
        """Return none: a command has no image."""
        return {}

    def down(self) -> int:
        """Remove everything of the lab; return how many processes there were. Raises LabError."""
        count = self._engine.end()
        remove_folder(self._folder)
        return count


def described(request: SystemRequest) -> PreparedSystem:
    """Return a system without starting it. Raises UsageError for what cannot be started."""
    file, *more = request.files
    if more:
        raise UsageError(
            f"{file} has services that are commands, so it takes no further file.", "Leave -f out."
        )
    for option, given in (("--profile", request.profiles), ("--egress", tuple(request.egress))):
        if given:
            raise UsageError(
                f"{option} {given[0]}: services that are commands have none.", f"Leave {option} out."
            )
    if not file.is_file():
        raise UsageError(f"{file} is no file.", "Give the path of a file with `services:`.")
    return prepared(request, read_commands(file).config, {})
