"""Starts a foreign system with doors, and takes it down: nothing of it is left, also where a start fails."""

from __future__ import annotations

import hashlib
import re
import shlex
import shutil
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from driver.engines import addresses, docker_answers, images
from driver.engines.compose_command import ComposeCommand, client_environment
from driver.engines.compose_workers import in_parallel, make_journal_folder
from driver.engines.container_texts import PROJECT
from driver.engines.docker_sdk import DockerSdk
from driver.engines.left_compose import end_left_compose
from driver.errors import (
    EngineError,
    EngineGoneError,
    LabError,
    NoLabError,
    NotReadyError,
    PortInUseError,
    SubnetInUseError,
    UsageError,
)
from driver.labs.toxiproxy_api import LinkState
from driver.nouns import counted
from driver.paths import project_root
from driver.subprocesses import ask
from driver.systems import door_network
from driver.systems.compose_config import ResolvedConfig, refuse_unknown_services, system_of
from driver.systems.compose_yaml import as_yaml
from driver.systems.differences import differences
from driver.systems.door_api import DoorApi
from driver.systems.door_bypass import Bypass, refuse_bypasses
from driver.systems.door_compose import (
    DoorOptions,
    DoorPlan,
    Peer,
    built_image,
    built_override,
    networks_needed,
    plan_doors,
)
from driver.systems.failed_start import down_after
from driver.systems.made_containers import made_container, replica_name
from driver.systems.portless_services import refuse_portless
from driver.systems.prober_compose import PROBER
from driver.systems.prober_container import prober_file
from driver.systems.readiness import Readiness
from driver.systems.replicas import (
    DoorReplica,
    ProberReplica,
    PublishedAddress,
    Replica,
    SystemContainers,
    peers,
    system_containers,
)
from driver.systems.resolve_compose import compose_flags, resolve
from driver.systems.running_system import JOURNALS, running_system
from driver.systems.system import System
from driver.systems.system_file import SystemFile, write_system_file

UP_TIMEOUT_S = 300.0
LOOK_EVERY_S = 0.5
"""While Compose starts containers: those that run already need not run longer when it has ended."""
BUILD_TIMEOUT_S = 900.0
PULL_TIMEOUT_S = 600.0
READY_TIMEOUT_S = 180.0
REMOVE_TIMEOUT_S = 60.0
POLL_S = 0.05
SUBNET_TRIES = 5
REMOVE_TRIES = 20
REMOVE_AGAIN_S = 0.25
LOOPBACK = "127.0.0.1"
TOXIPROXY = "toxiproxy"
LAB_IMAGES = (TOXIPROXY, PROBER)
"""The images of which the lab's own containers are made."""
_LOG_LINES = 8
_NOT_RUN = (126, 127)
"""Exit codes of a shell, and of the engine, for a command that cannot be run or is not there."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class SystemRequest:
    """What a person asks for: the files, and what differs from `docker compose up` with them.

    `ports` are TCP ports on which services listen without a word in the file.
    """

    files: tuple[Path, ...]
    profiles: tuple[str, ...] = ()
    bypass: frozenset[str] = frozenset()
    egress: frozenset[str] = frozenset()
    ports: Mapping[str, frozenset[int]] = field(default_factory=dict)
    publish: bool = True


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


@dataclass(frozen=True)
class LinkReport:
    """One link of a system that is up, as its door has it."""

    link: str
    state: LinkState


class SystemCompose(ComposeCommand):
    """`docker compose` for a user's files and the generated one, in a project of the lab's own."""

    def __init__(self, project: str, files: Sequence[Path], profiles: Sequence[str], generated: Path) -> None:
        super().__init__(project, files[0].parent, client_environment(), LOOK_EVERY_S)
        self._start = ["docker", "compose", "-p", project, *compose_flags([*files, generated], profiles)]


def project_of(file: Path) -> str:
    """Return the project of the lab for one Compose file: never the one that the file itself gives."""
    path = file.resolve()
    folder = re.sub(r"[^a-z0-9]+", "-", path.parent.name.lower()).strip("-")[:20]
    return f"doors-{folder or 'system'}-{hashlib.sha256(str(path).encode()).hexdigest()[:6]}"


def door_image() -> str:
    """Return the name of the image of which doors are made; the engine of the reference lab builds it."""
    image = next(one for one in images.CATALOGUE if one.service == TOXIPROXY)
    return images.reference(image, project_root())


class SystemLab:
    """The lab of one system. `image` is the lab's Toxiproxy; `folder` has one folder for each system."""

    def __init__(self, project: str, image: str, folder: Path) -> None:
        self._project = project
        self._image = image
        self._sdk = DockerSdk(project, name=replica_name)
        self._folder = folder / project
        self._generated = self._folder / "compose.yaml"

    # -- up ------------------------------------------------------------------------------------------------

    def up(self, request: SystemRequest, say: Say) -> StartedSystem:
        """Start a system and return when all of it is ready. Raises LabError, and then nothing is left."""
        config = resolve(request.files, request.profiles)
        refuse_unknown_services(config, "--egress", request.egress)
        refuse_unknown_services(config, "--listens", request.ports)
        bypassed = refuse_bypasses(config, request.bypass)
        if self._sdk.summaries():
            raise UsageError(
                f"The system is up already, as the project {self._project!r}.",
                f"Take it down first: python lab.py down --system {shlex.quote(str(request.files[0]))}",
            )
        try:
            readiness = Readiness()
            started = self._start(request, config, bypassed, readiness, say)
            self._wait_ready(readiness)
            write_system_file(self._folder, self._as_file(request, started))
            if started.plan.doors:
                self._make_links(str(request.files[0]))
        except BaseException as error:
            say("Taking down what was started.")
            down_after(error, self.down, say)
            raise
        published = self.containers().published
        return replace(started, differences=tuple(differences(config)), published=published)

    def _start(
        self,
        request: SystemRequest,
        config: ResolvedConfig,
        bypassed: Sequence[Bypass],
        readiness: Readiness,
        say: Say,
    ) -> StartedSystem:
        options = self._options(request)
        compose = SystemCompose(self._project, request.files, request.profiles, self._generated)
        self._get_images(config, options, compose, say)
        listening = {
            name: {*self._sdk.exposed_ports(self._image_of(name, config)), *request.ports.get(name, ())}
            for name in config.services
        }
        system = system_of(config, listening)
        portless = refuse_portless(config, system, request.bypass, {one.service for one in bypassed})
        for _ in range(SUBNET_TRIES):
            plan = self._plan(system, config, options)
            self._write(as_yaml(plan.document))
            self._make_journals(plan)
            say(f"Starting {counted(len(system.services), 'service')}, {counted(len(plan.doors), 'door')}.")
            try:
                compose(
                    *("up", "-d", "--no-build"),
                    environment={},
                    timeout_s=UP_TIMEOUT_S,
                    heartbeat=lambda *_: self._look_at(readiness),
                )
            except SubnetInUseError:
                self._remove()
                continue
            except PortInUseError as error:
                raise PortInUseError(
                    error.sentence, "Is the system running by itself? Then add --any-ports."
                ) from None
            except EngineError as error:
                raise self._with_failed(error) from None
            return StartedSystem(system, plan, tuple(bypassed), tuple(portless))
        raise LabError("Other labs take every network before this one can.", "Try again in a moment.")

    def _options(self, request: SystemRequest) -> DoorOptions:
        options = DoorOptions(self._image, self._project, request.egress, request.publish)
        if not self._sdk.is_local:
            return options
        return replace(options, journals=str(self._folder.resolve() / JOURNALS))

    def _make_links(self, named: str) -> None:
        """Make every link; the prober starts with the first fault."""
        links = running_system(self._project, self._folder, named).links
        links.create(links.wanted())

    def _get_images(
        self, config: ResolvedConfig, options: DoorOptions, compose: SystemCompose, say: Say
    ) -> None:
        built = [name for name, one in config.services.items() if one.build is not None]
        if built:
            own = {name: built_override(self._project, name, config.services[name]) for name in built}
            self._write(as_yaml({"services": own}))
            say(f"Building {', '.join(built)}.")
            compose("build", *built, environment={}, timeout_s=BUILD_TIMEOUT_S)
        for name, one in config.services.items():
            if one.build is None and self._sdk.image_id(one.image) is None:
                say(f"Pulling {one.image}.")
                answer = ask(["docker", "pull", "-q", one.image], PULL_TIMEOUT_S)
                if not answer.ok:
                    raise EngineError(
                        f"services.{name}.image: {one.image!r} is not on this machine and cannot be pulled: "
                        f"{answer.text.splitlines()[-1] if answer.text else 'no reason given'}.",
                        "Build or load it first, or correct its name.",
                    )

    def _image_of(self, name: str, config: ResolvedConfig) -> str:
        one = config.services[name]
        return one.image if one.build is None else built_image(self._project, name)

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
        journals = self._folder / JOURNALS
        _remove_folder(journals)
        for process in (PROBER, *(door.process for door in plan.doors)):
            make_journal_folder(journals, process)

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
        )

    def _look_at(self, readiness: Readiness) -> tuple[list[Replica], list[Replica]]:
        """Return the containers that failed, and those that are not ready yet."""
        containers = self.containers()
        found = [*map(self._with_restarts, containers.replicas), *containers.doors]
        failed = [one for one in (*found, *containers.probers) if one.has_failed]
        return failed, readiness.waiting(found, time.monotonic())

    def _wait_ready(self, readiness: Readiness) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while True:
            failed, waiting = self._look_at(readiness)
            if not waiting and not failed:
                return
            late = time.monotonic() > deadline
            if failed or late:
                shown = failed or waiting
                after = "" if failed else f"After {READY_TIMEOUT_S:.0f} s: "
                raise NotReadyError(
                    f"{after}{', '.join(one.condition for one in shown[:4])}.{_last_lines(shown[0])}",
                    "Does it start without doors? docker compose up --wait"
                    if not isinstance(shown[0], DoorReplica | ProberReplica)
                    else "It is the lab's own. Is its image as built? python lab.py build",
                )
            time.sleep(POLL_S)

    def _with_restarts(self, one: Replica) -> Replica:
        """Return a container with its restarts, which decide about those that are not healthy yet."""
        return one if one.health == "healthy" else replace(one, restarts=self._sdk.restarts(one.id))

    def _with_failed(self, error: EngineError) -> EngineError | NotReadyError:
        """Return the error of a Compose that failed: NotReadyError where a container of the system's failed.

        That follows with the last lines of what it printed. Any other error is the engine's.
        """
        if isinstance(error, EngineGoneError):
            return error
        replicas = self.containers().replicas
        failed = next((one for one in replicas if one.has_failed or self._cannot_be_run(one)), None)
        if failed is None:
            return error
        return NotReadyError(f"{error.sentence}{_last_lines(failed)}", error.hint)

    def _cannot_be_run(self, one: Replica) -> bool:
        """Whether a container that never ran has a command that its image does not have, or cannot run."""
        details = self._sdk.inspect_id(one.id) if one.state == "created" else None
        return details is not None and details["State"].get("ExitCode") in _NOT_RUN

    # -- while it is up ------------------------------------------------------------------------------------

    def containers(self) -> SystemContainers:
        """Return the containers of services and doors, from one listing."""
        return system_containers(self._sdk.summaries(), self._project)

    def doors(self, containers: SystemContainers) -> dict[str, DoorApi]:
        """Return the API of each door that runs, by its name."""
        return {
            one.service: DoorApi(LOOPBACK, one.api_port)
            for one in containers.doors
            if one.api_port is not None
        }

    def peers(self, door: DoorApi, containers: SystemContainers) -> dict[str, Peer]:
        """Return the ends of a door's links, by the links' names in the system."""
        return peers((pair.name for pair in door.pairs()), containers.replicas)

    def look(self) -> tuple[SystemContainers, list[LinkReport]]:
        """Return the containers of the system that is up, and its links at the doors that run.

        Raises NoLabError where none is up.
        """
        containers = self.containers()
        if not containers.all:
            raise NoLabError(
                f"The system is not up as {self._project!r}.", "Start it: python lab.py up --system FILE"
            )
        found = []
        for door in self.doors(containers).values():
            states = {state.name: state for state in door.states()}
            named = {peer.link: name for name, peer in self.peers(door, containers).items()}
            found += [LinkReport(named.get(name, name), state) for name, state in states.items()]
        return containers, sorted(found, key=lambda one: one.link)

    # -- down ----------------------------------------------------------------------------------------------

    def down(self) -> int:
        """Remove everything of the lab; return how many containers there were. Raises LabError.

        A Compose that outlived its command is ended first: it would start containers again.
        """
        end_left_compose(self._generated)
        end_left_compose(prober_file(self._folder))
        removed = self._remove()
        self._remove_images()
        _remove_folder(self._folder)
        return removed

    def _remove(self) -> int:
        """Remove containers, networks and volumes; return how many containers there were.

        What the engine still made meanwhile, for a Compose that was ended, is removed again: such a
        container has volumes and networks in use before it can be listed.
        """
        count = 0
        left: list[str] = []
        for number in range(REMOVE_TRIES):
            if number:
                time.sleep(REMOVE_AGAIN_S)
            try:
                containers = self._sdk.containers()
                in_parallel(self._sdk.remove, containers)
                count += len(containers)
                left = self._sdk.remove_networks_and_volumes()
                left += [f"container {one.name}" for one in self._sdk.containers()]
            except EngineGoneError:
                raise
            except EngineError as error:
                left = [error.sentence.rstrip(".")]
            if not left:
                return count
        raise LabError(
            f"Still there after taking the system down: {', '.join(left[:8])}.",
            "Try again: python lab.py down --system FILE",
        )

    def _remove_images(self) -> None:
        """Remove what was built for the project; the build's cache stays, and so do tags of the user's."""
        label = f"label={PROJECT}={self._project}"
        found = ask(["docker", "image", "ls", "--filter", label, "--format", "{{.Repository}}:{{.Tag}}"])
        own = built_image(self._project, "")
        if names := [name for name in found.text.split() if name.startswith(own)]:
            ask(["docker", "image", "rm", *names], REMOVE_TIMEOUT_S)


def _remove_folder(folder: Path) -> None:
    """Remove a system's folder with its journals. Raises LabError."""
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise LabError(
            f"{folder} could not be removed: {error.strerror}.", f"Remove it by hand: sudo rm -r {folder}"
        ) from None


def _last_lines(one: Replica) -> str:
    answer = ask(["docker", "logs", "--tail", str(_LOG_LINES), one.id])
    lines = "".join(f"\n  {line}" for line in answer.text.splitlines())
    return f" The last lines of {one.name}:{lines or ' (none)'}\n"
