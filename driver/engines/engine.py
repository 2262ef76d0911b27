"""Interface of an engine, and the values that it takes and returns.

Code above it depends on no particular engine. Containers have the lab's own names: `worker-7`, `coordinator`,
`toxiproxy`, `prober`. Every call blocks, so that async code runs it in a thread, and is bounded in time.

Every call raises EngineGoneError when no engine answers, and EngineError when the engine refuses it. A call
that takes the name of a container raises ContainerGoneError when the lab has none of that name. Docstrings
list only what is raised beside these.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from chaos.abilities import Ability
from chaos.targets import CLIENT, SERVER, TOXIPROXY

Say = Callable[[str], None]
"""Receives one line about the progress of a long call."""
BuildEnvironment = Callable[[Say], Mapping[str, str]]
"""Prepares this machine for a build; returns the variables of the build. Raises LabError."""

HOST = "127.0.0.1"
TOXIPROXY_PORT = 8474
CONTROL_PORT = 8766
"""Where this machine reaches a lab, unless others are chosen."""

CORE = (TOXIPROXY, SERVER)
PROBER = "prober"
STOP_ORDER = ((CLIENT, PROBER), CORE)
"""Services in the order in which they are stopped, each group at once: those that others depend on last."""
JOURNALED = (CLIENT, PROBER, SERVER)
"""Services that write a journal."""
MONITORS = ("prometheus", "grafana")
"""Optional services that monitor a lab. Their images are pulled and never built."""


def services(prober: bool) -> tuple[str, ...]:
    """Return the services of a lab, with or without the prober."""
    return (*CORE, CLIENT, PROBER) if prober else (*CORE, CLIENT)


@dataclass(frozen=True)
class Abilities:
    """What an engine does on this machine, and what it does not: each ability is in one of the two.

    `engine` is its name. `by` maps each ability to its mechanism, as a receipt names it: `cgroup freezer`.
    `lacks` maps each other one to the reason, as the end of a sentence. Nothing is imitated.
    """

    engine: str
    by: Mapping[Ability, str]
    lacks: Mapping[Ability, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.by.keys() | self.lacks.keys() == set(Ability), "each ability is had or lacked"
        assert not self.by.keys() & self.lacks.keys(), "no ability is both had and lacked"
        assert all([*self.by.values(), *self.lacks.values()]), "each has a mechanism or a reason"


@dataclass(frozen=True)
class LabSpec:
    """Everything that a lab is started with.

    `key` is the fleet's key, and `control_token` authorizes the driver at the server's control API.
    `host` and the two ports are where this machine reaches the lab. The settings of server, client and
    prober are JSON texts; "" keeps the defaults of compose.yaml. `subnet_index` selects the pair of
    networks, so that labs on one machine have different addresses. `journals` is a folder of this machine
    with one folder for each container; None where each container keeps its journal inside the engine.
    `placement` maps clients to the number of their host, from 1, for an engine of several; the engine decides
    about the others.
    """

    key: str
    host: str
    toxiproxy_port: int
    control_port: int
    server_json: str = ""
    client_json: str = ""
    prober_json: str = ""
    subnet_index: int = 0
    journals: Path | None = None
    control_token: str = field(default="", repr=False)
    placement: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Container:
    """One row of the engine's list of containers.

    `name` is the lab's own name and `service` its kind (`worker`). `status` is created, running, paused,
    restarting, exited or dead; `health` is starting, healthy, unhealthy, or "" without a health check.
    """

    name: str
    service: str
    id: str
    image: str
    status: str
    health: str


@dataclass(frozen=True)
class ContainerState:
    """State of a container at one time.

    `exit_code` is -1 while it runs. `plugged`: it is connected to all of its networks under test. `cpus` is
    its limit in cores (None: unlimited), `memory_bytes` its limit of memory.
    """

    status: str
    exit_code: int
    out_of_memory: bool
    plugged: bool
    cpus: float | None
    memory_bytes: int


@dataclass(frozen=True)
class ResourceReading:
    """Memory without the page cache, and CPU time since the start in seconds of one core."""

    container: str
    memory_bytes: int
    cpu_s: float


@dataclass(frozen=True)
class Limits:
    """Limits of one container; None leaves a limit unchanged."""

    cpus: float | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True)
class EngineEvent:
    """One change of a container.

    `action` is kill, die, oom, start, pause, unpause, update, connect or disconnect; `detail` is the signal,
    the exit code or the network. `at_ns` is CLOCK_MONOTONIC: the engine's own time where it is local, else
    the time of arrival.
    """

    container: str
    action: str
    detail: str
    at_ns: int


class EventStream(Protocol):
    """Events of a lab's containers, until it is closed."""

    def __iter__(self) -> Iterator[EngineEvent]:
        """Yield each event as it arrives. Raises EngineGoneError when the engine ends the stream."""

    def close(self) -> None:
        """End the iteration, also from another thread."""


class ImageBuilder(Protocol):
    """Images of the lab's services."""

    def ensure_images(self, services: Sequence[str], say: Say) -> dict[str, str]:
        """Build the images that are missing or out of date, and return the image id of each service.

        Raises LabError when the machine cannot be prepared for a build, and InterruptedCommandError after
        `interrupt`.
        """


class ContainerReader(Protocol):
    """State, events and logs of containers. Changes nothing."""

    def containers(self) -> list[Container]:
        """Return every container of the lab in any state, `worker-2` before `worker-10`."""

    def inspect(self, name: str) -> ContainerState:
        """Return the state of one container."""

    def states(self, closely: Collection[str] = ()) -> dict[str, ContainerState]:
        """Return the state of every container by name, with one list call.

        Limits, exit code and OOM flag are read again for containers in `closely` and for those whose status
        changed; for all others they are those of the last read.
        """

    def frozen(self) -> dict[str, bool]:
        """Return whether each container of the last `states` executes no code now, without an engine call.

        Empty where the engine is not local.
        """

    def events(self, since_ns: int | None = None) -> EventStream:
        """Open a stream of events from now on, or from `since_ns` (CLOCK_MONOTONIC) on.

        With `since_ns`, up to one second of earlier events may be repeated.
        """

    def log(self, name: str, tail: int | None = None) -> str:
        """Return the last `tail` lines (None: all) of a container's log, each after its time (RFC 3339)."""

    def whole_log(self, name: str) -> Generator[bytes, None, None]:
        """Yield a container's log up to now in pieces, each line after its time; it may be very long."""

    def follow_log(self, name: str, tail: int) -> Iterator[str]:
        """Yield the last `tail` lines, then each new line, until the container ends; for a day at most."""

    def degradations(self) -> dict[str, list[str]]:
        """Return how containers differ from their creation, by name; containers that do not are left out.

        Values are `unplugged`, `limited`, and each status but running: paused, exited, …
        """


class ContainerControl(Protocol):
    """Starts, stops and freezes one container."""

    def pause(self, name: str) -> None:
        """Freeze all processes of a container."""

    def unpause(self, name: str) -> None:
        """Resume a paused container."""

    def kill(self, name: str) -> None:
        """Send SIGKILL to a container."""

    def start(self, name: str) -> None:
        """Start a container that was created or has ended.

        It keeps its address, unless another container got that address meanwhile.
        """

    def stop(self, name: str, grace_s: float) -> None:
        """Send SIGTERM, and SIGKILL after `grace_s` (rounded to whole seconds)."""

    def restart(self, name: str, grace_s: float) -> None:
        """Stop a container as `stop` does, and start it."""


class PlugControl(Protocol):
    """Connections of containers to their networks under test."""

    def unplug(self, name: str) -> None:
        """Disconnect a container from its networks under test: no FIN, no RST, packets are lost."""

    def plug(self, name: str) -> None:
        """Reconnect an unplugged container with the same aliases, and the same address while it is free."""


class NetworkControl(PlugControl, Protocol):
    """Addresses of a lab, and connections of its containers to networks."""

    def reserve_addresses(self, spec: LabSpec) -> LabSpec:
        """Return `spec` with the index of a free pair of networks.

        Raises PortInUseError when a port of `spec` is in use, unless this lab itself publishes it, and
        LabError when no pair of networks is free. Nothing is held: another lab can still take the networks
        before `up`.
        """

    def server_address(self, spec: LabSpec) -> str:
        """Return `host:port` at which Toxiproxy reaches the server."""

    def link_listen_host(self, spec: LabSpec) -> str:
        """Return the host of the addresses at which Toxiproxy listens for clients."""


class LimitControl(Protocol):
    """Limits of containers."""

    def limit(self, name: str, limits: Limits) -> None:
        """Set limits of a running container."""

    def unlimit(self, name: str, cpus: bool = True, memory: bool = True) -> None:
        """Restore the limits that a container was created with: processor time, memory, or both."""


class ResourceControl(LimitControl, Protocol):
    """Resources that containers use, and their limits."""

    def usage(self) -> list[ResourceReading]:
        """Return a reading of each running container."""


class FaultEngine(ContainerReader, ContainerControl, PlugControl, LimitControl, Protocol):
    """All calls that faults, their observation and healing need of an engine, for one lab."""

    @property
    def project(self) -> str:
        """Name of the lab."""

    @property
    def is_local(self) -> bool:
        """Whether the engine shares this machine's files and ports."""

    @property
    def abilities(self) -> Abilities:
        """What this engine does on this machine. Needs no answer of the engine, and raises nothing."""


class OrderedStop(Protocol):
    """Ends the processes of a lab, so that each writes the last line of its journal."""

    def stop_all(self, grace_s: float, *, processes_only: bool = False) -> None:
        """Stop all containers, those that others depend on last. Containers and journals remain.

        `processes_only`: it may return once the processes have ended, while the engine still puts their
        containers away.
        """


class RunEngine(FaultEngine, ResourceControl, OrderedStop, Protocol):
    """All calls that a run needs of an engine once its system is up."""


class LabControl(OrderedStop, Protocol):
    """Creates, starts and removes the containers of a lab."""

    def existing_spec(self) -> LabSpec | None:
        """Return the specification of the existing lab, read from its containers.

        None when server or Toxiproxy is missing. The settings of the prober are not read.
        """

    def up(self, spec: LabSpec, services: Sequence[str]) -> None:
        """Create and start services; return when their processes run, which is before they are ready.

        Raises SubnetInUseError when another lab took the networks of `spec`: call `reserve_addresses` again.
        Raises PortInUseError when a port was taken meanwhile, InterruptedCommandError after `interrupt`, and
        OSError when a folder of journals cannot be created.
        """

    def create_clients(self, spec: LabSpec, clients: int, also: Sequence[str] = ()) -> None:
        """Create `worker-1` to `worker-N` and the services in `also`, and start none.

        Surplus clients, and clients with other settings than those of `spec`, are removed. Raises as `up`
        does.
        """

    def fetch_journals(self, into: Path) -> list[str]:
        """Copy journals that are kept inside the engine to `into`, one folder for each container.

        Returns a sentence about each other file that was found beside a journal and not copied. Raises
        OSError when `into` cannot be written.
        """

    def down(self) -> list[str]:
        """Remove all containers, networks and volumes of the lab in any state. Returns what remains."""

    def interrupt(self) -> None:
        """End a running `ensure_images`, `up` or `create_clients`, which raises InterruptedCommandError."""


class Engine(FaultEngine, ImageBuilder, NetworkControl, ResourceControl, LabControl, Protocol):
    """All calls of an engine, for one lab."""

    def versions(self) -> dict[str, str]:
        """Return the versions of the engine's own programs by name."""

    def own_listing(self) -> str:
        """Return the command of the engine's own tool that lists the lab; "" where it has none."""
