"""Starts a foreign system with doors, and takes it down: nothing of it is left, also where a start fails."""

from __future__ import annotations

import shlex
import time
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

from driver.engines import addresses, docker_answers
from driver.engines.compose_clients import make_journal_folder
from driver.engines.docker_sdk import DockerSdk
from driver.engines.engine import Say
from driver.engines.left_compose import end_left_compose
from driver.errors import EngineError, LabError, PortInUseError, SubnetInUseError, UsageError
from driver.nouns import counted
from driver.paths import shown_path
from driver.systems import door_network
from driver.systems.compose_config import ResolvedConfig, refuse_unknown_services
from driver.systems.compose_yaml import as_yaml
from driver.systems.differences import differences
from driver.systems.door_bypass import Bypass, refuse_bypasses
from driver.systems.door_compose import DoorOptions, DoorPlan, networks_needed, plan_doors
from driver.systems.failed_start import down_after
from driver.systems.made_containers import made_container, replica_name
from driver.systems.prepared_system import PreparedSystem, prepared
from driver.systems.prober_compose import PROBER
from driver.systems.prober_container import prober_file
from driver.systems.relay_container import relay_file
from driver.systems.replicas import PublishedAddress, SystemContainers, system_containers
from driver.systems.resolve_compose import resolve
from driver.systems.running_system import JOURNALS, running_system
from driver.systems.start_watch import StartWatch
from driver.systems.system import System
from driver.systems.system_compose import UP_TIMEOUT_S, SystemCompose
from driver.systems.system_file import SystemFile, write_system_file
from driver.systems.system_images import SystemImages
from driver.systems.system_removal import remove_containers, remove_folder
from driver.systems.system_request import SystemRequest

SUBNET_TRIES = 5


@dataclass(frozen=True)
class StartedSystem:
    """A system that is up: the model, its doors, and what goes around them with leave.

    `portless` are services without a door, `differences` what is not as in the file.
    """

    system: System
    plan: DoorPlan
    bypassed: tuple[Bypass, ...] = ()
    portless: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    published: tuple[PublishedAddress, ...] = ()


class SystemLab:
    """The lab of one system. `image` is the lab's Toxiproxy; `folder` has one folder for each system.

    `journals` is the folder of a run's journals; None: they are kept in the system's own, until `down`.
    """

    def __init__(self, project: str, image: str, folder: Path, journals: Path | None = None) -> None:
        self._project = project
        self._image = image
        self._sdk = DockerSdk(project, name=replica_name)
        self._folder = folder / project
        self._generated = self._folder / "compose.yaml"
        self._images = SystemImages(project, self._sdk)
        self._journals = journals
        self._warned: set[str] = set()
        self._running: tuple[SystemCompose, StartWatch | None] | None = None

    # -- up ------------------------------------------------------------------------------------------------

    def up(self, request: SystemRequest, say: Say) -> StartedSystem:
        """Start a system and return when all of it is ready. Raises LabError, and then nothing is left."""
        return self.start_prepared(self.prepare(request, say), say)

    def prepare(self, request: SystemRequest, say: Say) -> PreparedSystem:
        """Build and pull a system's images, and return the system as it can be started; nothing of it is up.

        Raises LabError, and then nothing is left.
        """
        config = resolve(request.files, request.profiles)
        for warning in config.warnings:
            if warning not in self._warned:
                self._warned.add(warning)
                say(f"note: Compose warns: {warning}")
        # What no image decides is refused before any is built.
        refuse_unknown_services(config, "--egress", request.egress)
        refuse_unknown_services(config, "--listens", request.ports)
        refuse_bypasses(config, request.bypass)
        if self._sdk.summaries():
            named = shlex.quote(shown_path(request.files[0]))
            raise UsageError(
                f"The system is up already, as the project {self._project!r}.",
                f"Take it down first: python lab.py down --system {named}",
            )
        compose = SystemCompose(self._project, request.files, request.profiles, self._generated)
        self._running = compose, None
        try:
            self._images.get(config, compose, self._generated, say)
            return prepared(request, config, self._images.exposed_ports(config))
        except BaseException as error:
            say("Taking down what was started.")
            down_after(error, self.down, say)
            raise

    def start_prepared(self, system: PreparedSystem, say: Say) -> StartedSystem:
        """Start a system and return when all of it is ready. Raises LabError, and then nothing is left."""
        request = system.request
        try:
            watch = StartWatch(self._project, self._sdk, request)
            started = self._start(system, watch, say)
            watch.wait_ready()
            write_system_file(self._folder, self._as_file(request, started))
            if started.plan.doors:
                self._make_links(str(request.files[0]))
        except BaseException as error:
            say("Taking down what was started.")
            down_after(error, self.down, say)
            raise
        published = self.containers().published
        return replace(started, differences=tuple(differences(system.config)), published=published)

    def interrupt(self) -> None:
        """End a `prepare` or a start that another thread is in, by an InterruptedCommandError there."""
        if self._running is not None:
            compose, watch = self._running
            if watch is not None:
                watch.interrupt()
            compose.interrupt()

    def _start(self, found: PreparedSystem, watch: StartWatch, say: Say) -> StartedSystem:
        request, system = found.request, found.system
        options = self._options(request)
        compose = SystemCompose(self._project, request.files, request.profiles, self._generated)
        self._running = compose, watch
        for _ in range(SUBNET_TRIES):
            plan = self._plan(system, found.config, options)
            self._write(as_yaml(plan.document))
            self._make_journals(plan)
            say(f"Starting {counted(len(system.services), 'service')}, {counted(len(plan.doors), 'door')}.")
            try:
                compose(
                    *("up", "-d", "--no-build"),
                    environment={},
                    timeout_s=UP_TIMEOUT_S,
                    heartbeat=lambda *_: watch.look(),
                )
            except SubnetInUseError:
                remove_containers(self._sdk)
                continue
            except PortInUseError as error:
                raise PortInUseError(
                    error.sentence, "Is the system running by itself? Then add --any-ports."
                ) from None
            except EngineError as error:
                raise watch.error_of(error) from None
            return StartedSystem(system, plan, found.bypassed, found.portless)
        raise LabError("Other labs take every network before this one can.", "Try again in a moment.")

    def _options(self, request: SystemRequest) -> DoorOptions:
        options = DoorOptions(self._image, self._project, request.egress, request.publish)
        if not self._sdk.is_local:
            return options
        return replace(options, journals=str(self._journal_folder.resolve()))

    @property
    def _journal_folder(self) -> Path:
        return self._folder / JOURNALS if self._journals is None else self._journals

    def _make_links(self, named: str) -> None:
        """Make every link; the prober starts with the first fault."""
        links = running_system(self._project, self._folder, named).links
        links.create(links.wanted())

    def _plan(self, system: System, config: ResolvedConfig, options: DoorOptions) -> DoorPlan:
        names = networks_needed(system, config, options)
        taken = [*docker_answers.subnets(self._sdk.all_networks()), *addresses.host_routes()]
        # Labs that start at the same moment look in different places.
        first = zlib.crc32(f"{self._project}{time.monotonic_ns()}".encode())
        subnets = door_network.free_subnets(len(names), taken, first)
        return plan_doors(system, config, dict(zip(names, subnets, strict=True)), options)

    def _write(self, text: str) -> None:
        self._generated.parent.mkdir(parents=True, exist_ok=True)
        self._generated.write_text(text)

    def _make_journals(self, plan: DoorPlan) -> None:
        """Make an empty folder for each process of the lab, which its container alone has."""
        for process in (PROBER, *(door.process for door in plan.doors)):
            remove_folder(self._journal_folder / process)
            make_journal_folder(self._journal_folder, process)

    def _as_file(self, request: SystemRequest, started: StartedSystem) -> SystemFile:
        """What later commands need, with every container as it is now: no fault has been on it."""
        found = [self._sdk.inspect_id(row["Id"]) for row in self._sdk.summaries()]
        made = {
            replica_name(details["Config"]["Labels"]): made_container(details, self._project)
            for details in found
            if details is not None
        }
        return SystemFile(
            project=self._project,
            files=[str(file.resolve()) for file in request.files],
            system=started.system,
            doors=list(started.plan.doors),
            containers=made,
            profiles=list(request.profiles),
            bypass=sorted(request.bypass),
            egress=sorted(request.egress),
            prober_host=started.plan.prober_host,
            relay_host=started.plan.relay_host,
            journals="" if self._journals is None else str(self._journals.resolve()),
        )

    # -- while it is up ------------------------------------------------------------------------------------

    def containers(self) -> SystemContainers:
        """Return the containers of services and doors, from one listing."""
        return system_containers(self._sdk.summaries(), self._project)

    def refuse_far(self) -> None:
        """Raise UsageError where the engine shares no files with this machine: a run reads its journals."""
        if not self._sdk.is_local:
            raise UsageError(
                "A scenario on a system of your own needs a Docker engine of this machine.",
                "Run it on the machine of the engine.",
            )

    def versions(self) -> dict[str, str]:
        """Return the versions of what runs the containers."""
        return {"docker": str(self._sdk.version().get("Version", ""))}

    def image_ids(self, system: PreparedSystem) -> dict[str, str]:
        """Return the id of the image of each service that has one here."""
        return self._images.image_ids(system.config)

    # -- down ----------------------------------------------------------------------------------------------

    def down(self) -> int:
        """Remove everything of the lab; return how many containers there were. Raises LabError.

        A Compose that outlived its command is ended first: it would start containers again.
        """
        end_left_compose(self._generated)
        end_left_compose(prober_file(self._folder))
        end_left_compose(relay_file(self._folder))
        removed = remove_containers(self._sdk)
        self._images.remove_built()
        remove_folder(self._folder)
        return removed
