"""Docker Compose as the lab's engine: Compose starts and scales, the SDK does the rest."""

from __future__ import annotations

import io
import tarfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from driver.engines import addresses, cgroups, compose_reading
from driver.engines.compose_command import ComposeCommand, client_environment
from driver.engines.compose_images import BuildEnvironment, ComposeImages
from driver.engines.compose_reading import Cable
from driver.engines.compose_states import ComposeEvents, ComposeStates
from driver.engines.compose_workers import JOURNAL_TARGET, ComposeWorkers, each, journal_mount
from driver.engines.docker_sdk import DockerSdk
from driver.engines.engine import (
    COORDINATOR,
    CORE,
    MONITORS,
    PROBER,
    WORKER,
    Container,
    LabSpec,
    Limits,
    Say,
    Standing,
    Usage,
)
from driver.errors import AddressInUseError, PortInUseError
from driver.histories.journal_folder import MAX_ENTRIES, MAX_JOURNAL_BYTES, own_journal
from driver.host_ports import is_free, port_holder
from wire.address import worker_name

UP_TIMEOUT_S = 300.0
_STOP_ORDER = (WORKER, PROBER, "coordinator", "toxiproxy")


class ComposeEngine:
    """The engine of one project, whose compose.yaml stands in `root`."""

    def __init__(self, project: str, root: Path, prepare: BuildEnvironment) -> None:
        self._project = project
        self._compose_file = root / "compose.yaml"
        self._sdk = DockerSdk(project)
        self._command = ComposeCommand(project, root, client_environment())
        self._images = ComposeImages(root, self._command, self._sdk, prepare)
        self._pulled: dict[str, list[Cable]] = {}
        self._states = ComposeStates(self._sdk, project)

    @property
    def project(self) -> str:
        return self._project

    @property
    def is_local(self) -> bool:
        return self._sdk.is_local

    def versions(self) -> dict[str, str]:
        answer = self._sdk.version()
        return {
            "docker": answer["Version"],
            "docker_api": answer["ApiVersion"],
            "kernel": answer["KernelVersion"],
        }

    # -- starting and stopping -----------------------------------------------------------------------------

    def ensure_images(self, services: Sequence[str], say: Say) -> dict[str, str]:
        return self._images.ensure(services, say)

    def found(self) -> LabSpec | None:
        names = [one.name for one in self.containers()]
        if not all(name in names for name in CORE):
            return None
        worker = next((name for name in names if name.startswith(WORKER)), None)
        return compose_reading.spec(
            self._sdk.inspect("coordinator"),
            self._sdk.inspect("toxiproxy"),
            self._sdk.inspect(worker) if worker else None,
        )

    def reserve(self, spec: LabSpec) -> LabSpec:
        if self.is_local:
            own = self.found()
            for port in (spec.toxiproxy_port, spec.control_port):
                if own is not None and port in (own.toxiproxy_port, own.control_port):
                    continue
                if not is_free(spec.host, port):
                    raise PortInUseError(
                        f"Port {port} on {spec.host} is taken by {port_holder(port)}.",
                        f"Stop that one, or choose others: --port {addresses.free_pair(spec.host)}",
                    )
        given = compose_reading.subnets(self._sdk.all_networks())
        # Labs that start at the same moment look for room in different places.
        first = zlib.crc32(self._project.encode()) % addresses.ROOMS
        return replace(spec, room=addresses.free_room([*given, *addresses.host_routes()], first))

    def up(self, spec: LabSpec, services: Sequence[str]) -> None:
        self._compose(spec, *_profiles(services), "up", "-d", "--no-build", "--no-deps", *services)

    def make(self, spec: LabSpec, workers: int, also: Sequence[str] = ()) -> None:
        if also:
            self._make(spec, *also)
        maker = ComposeWorkers(
            self._sdk,
            lambda: self._make(spec, WORKER, "--scale", f"{WORKER}=1"),
            self._variables(spec)[compose_reading.WORKER_SETTINGS],
        )
        maker.make(workers, spec.journals)

    def start_made(self) -> None:
        each(self.start, [one.name for one in self.containers() if one.status in ("created", "exited")])

    def core_address(self, spec: LabSpec) -> str:
        return f"{addresses.core_prefix(spec.room)}.2:8765"

    def stop_all(self, grace_s: float) -> None:
        standing = [one for one in self.containers() if one.status in ("running", "paused")]
        each(self.unpause, [one.name for one in standing if one.status == "paused"])
        for service in _STOP_ORDER:
            each(
                lambda name: self.stop(name, grace_s),
                [one.name for one in standing if one.service == service],
            )

    def down(self) -> list[str]:
        each(self._sdk.remove, self.containers())
        left = self._sdk.remove_networks_and_volumes()
        return [one.name for one in self.containers()] + left

    def interrupt(self) -> None:
        self._command.interrupt()

    def _make(self, spec: LabSpec, *services_and_words: str) -> None:
        profiles = _profiles(services_and_words)
        self._compose(spec, *profiles, "up", "--no-start", "--no-build", "--no-deps", *services_and_words)

    def _compose(self, spec: LabSpec, *words: str) -> None:
        if spec.journals is not None:
            for process in (COORDINATOR, PROBER, worker_name(1)):
                journal_mount(spec.journals, process)
        self._command(*words, environment=self._variables(spec), timeout_s=UP_TIMEOUT_S)

    def _variables(self, spec: LabSpec) -> dict[str, str]:
        told = {**self._images.variables(), **compose_reading.variables(spec)}
        return {**told, compose_reading.WORKER_SETTINGS: compose_reading.digest(self._compose_file, told)}

    # -- looking -------------------------------------------------------------------------------------------

    def containers(self) -> list[Container]:
        return self._sdk.containers()

    def look(self, name: str) -> Standing:
        return compose_reading.standing(self._sdk.inspect(name), self._project)

    def states(self, closely: Collection[str] = ()) -> dict[str, Standing]:
        return self._states.read(closely)

    def frozen(self) -> dict[str, bool]:
        return self._states.frozen()

    def events(self, since_ns: int | None = None) -> ComposeEvents:
        return self._states.events(since_ns)

    def usage(self) -> list[Usage]:
        running = [one for one in self.containers() if one.status == "running"]
        read = {one: cgroups.usage(one.name, one.id) if self.is_local else None for one in running}
        rest = [one for one, usage in read.items() if usage is None]
        asked = each(lambda one: compose_reading.usage(one.name, self._sdk.stats(one)), rest)
        return [usage for usage in (*read.values(), *asked) if usage is not None]

    def log(self, name: str, tail: int | None = None) -> str:
        return self._sdk.log(name, "all" if tail is None else tail).decode(errors="replace")

    def follow(self, name: str, tail: int) -> Iterator[str]:
        for raw in self._sdk.follow(name, tail):
            yield raw.decode(errors="replace")

    def fetch_journals(self, into: Path) -> list[str]:
        left_out = []
        for one in self.containers():
            if one.service not in (COORDINATOR, PROBER, WORKER):
                continue
            packed = self._sdk.archive(one.name, JOURNAL_TARGET, MAX_JOURNAL_BYTES)
            journal, others = journal_in(packed, own_journal(Path(), one.name).name)
            left_out += [f"{one.name}: {other}" for other in others]
            if journal is not None:
                (journal_mount(into, one.name) / own_journal(Path(), one.name).name).write_bytes(journal)
        return left_out

    # -- hurting -------------------------------------------------------------------------------------------

    def pause(self, name: str) -> None:
        self._sdk.ask(name, lambda api, found: api.pause(found))

    def unpause(self, name: str) -> None:
        self._sdk.ask(name, lambda api, found: api.unpause(found))

    def kill(self, name: str) -> None:
        self._sdk.ask(name, lambda api, found: api.kill(found, "SIGKILL"))

    def start(self, name: str) -> None:
        try:
            self._sdk.start(name)
        except AddressInUseError:
            # Since it was plugged in again it asks for the address that it had, and while it was down that
            # was given to another.
            for cable in self._cables(name):
                self._sdk.disconnect(name, cable)
                self._sdk.connect(name, replace(cable, address=""))
            self._sdk.start(name)

    def stop(self, name: str, grace_s: float) -> None:
        self._sdk.ask(name, lambda api, found: api.stop(found, timeout=round(grace_s)))

    def restart(self, name: str, grace_s: float) -> None:
        self._sdk.ask(name, lambda api, found: api.restart(found, timeout=round(grace_s)))

    def unplug(self, name: str) -> None:
        self._pulled[name] = self._cables(name)
        for cable in self._pulled[name]:
            self._sdk.disconnect(name, cable)

    def plug(self, name: str) -> None:
        have = {cable.network for cable in self._cables(name)}
        for cable in self._pulled.pop(name, None) or self._due_cables(name):
            if cable.network in have:
                continue
            try:
                self._sdk.connect(name, cable)
            except AddressInUseError:
                # While it was off the network, its address was given to another container.
                self._sdk.connect(name, replace(cable, address=""))

    def limit(self, name: str, limits: Limits) -> None:
        # To Docker 0 means "as it is".
        quota_us = 0 if limits.cpus is None else round(limits.cpus * compose_reading.CPU_PERIOD_US)
        self._sdk.limit(name, quota_us, limits.memory_bytes or 0)

    def unlimit(self, name: str, cpus: bool = True, memory: bool = True) -> None:
        made = compose_reading.made_with(self._sdk.inspect(name)["Config"]["Labels"])
        quota_us = -1 if made.cpus is None else round(made.cpus * compose_reading.CPU_PERIOD_US)
        self._sdk.limit(name, quota_us if cpus else 0, made.memory_bytes or 0 if memory else 0)

    def hurts(self) -> dict[str, list[str]]:
        names = [one.name for one in self.containers()]
        found = each(lambda name: compose_reading.hurts(self._sdk.inspect(name), self._project), names)
        return {name: hurts for name, hurts in zip(names, found, strict=True) if hurts}

    def _cables(self, name: str) -> list[Cable]:
        return compose_reading.cables(self._sdk.inspect(name), self._project)

    def _due_cables(self, name: str) -> list[Cable]:
        """What a container should be plugged into, where nobody remembers how it was."""
        return compose_reading.due_cables(self._sdk.inspect(name), self._sdk.network("core"), self._project)


def _profiles(services: Sequence[str]) -> list[str]:
    """What Compose is told so that it minds services that it usually leaves out."""
    asked = [*([PROBER] if PROBER in services else []), *(["prometheus"] if MONITORS[0] in services else [])]
    return [word for profile in asked for word in ("--profile", profile)]


def journal_in(packed: bytes, name: str) -> tuple[bytes | None, list[str]]:
    """The journal in a tar archive of a container's journal folder, and whatever else it holds."""
    journal, others = None, []
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for member in archive:
            source = archive.extractfile(member) if member.isreg() else None
            if source is not None and member.name == f"{JOURNAL_TARGET[1:]}/{name}":
                journal = source.read()
            elif member.name != JOURNAL_TARGET[1:]:
                others.append(f"{member.name[:80]!r} left out")
    return journal, others[:MAX_ENTRIES]
