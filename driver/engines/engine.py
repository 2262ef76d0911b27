"""The seam: all that starts, stops, scales, hurts, addresses or reads a process.

Nothing above it knows which engine it is. Names are the lab's own: `worker-7`, `coordinator`, `toxiproxy`,
`prober`. Every call is bounded in time, blocks (the async driver runs it in a thread), and raises EngineError
or EngineGoneError with a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

Say = Callable[[str], None]

COORDINATOR = "coordinator"
CORE = ("toxiproxy", COORDINATOR)
WORKER = "worker"
PROBER = "prober"
MONITORS = ("prometheus", "grafana")
"""Who watches over a lab that is asked for it; they have their images from their makers alone."""


@dataclass(frozen=True)
class LabSpec:
    """All that a lab is started with.

    The settings are JSON texts. `journals` is a folder of this machine in which each container has one of its
    own, or None where each keeps its journal inside the engine.
    `control_token` lets the driver, and nobody else, use the coordinator's control API.
    `room` tells labs apart that stand side by side: the engine gives each its own addresses by it.
    """

    key: str
    host: str
    toxiproxy_port: int
    control_port: int
    coordinator_json: str = ""
    worker_json: str = ""
    prober_json: str = ""
    room: int = 0
    journals: Path | None = None
    control_token: str = field(default="", repr=False)


@dataclass(frozen=True)
class Container:
    """One process of the lab. `status` is running, paused, exited, …; `health` "" where none is checked."""

    name: str
    service: str
    id: str
    image: str
    status: str
    health: str


@dataclass(frozen=True)
class Standing:
    """How a container stands. `exit_code` is -1 while it runs; `cpus` None where nothing bounds them."""

    status: str
    exit_code: int
    out_of_memory: bool
    plugged: bool
    cpus: float | None
    memory_bytes: int


@dataclass(frozen=True)
class Usage:
    """What one container uses: memory without the file cache, CPU since its start in seconds of one core."""

    container: str
    memory_bytes: int
    cpu_s: float


@dataclass(frozen=True)
class Limits:
    """Ceilings of one container; None leaves as it is."""

    cpus: float | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True)
class EngineEvent:
    """One change of a container, as the engine reported it.

    `action` is kill, die, oom, start, pause, unpause, update, connect or disconnect; `detail` the signal,
    the exit code or the network. `at_ns` is CLOCK_MONOTONIC: the engine's own time where it is local, else
    the arrival.
    """

    container: str
    action: str
    detail: str
    at_ns: int


class EventStream(Protocol):
    """The engine's events, until it is closed. Iterating raises EngineError when the engine breaks it off."""

    def __iter__(self) -> Iterator[EngineEvent]: ...

    def close(self) -> None:
        """End the iteration, also from another thread."""


class Engine(Protocol):
    """What the driver asks of an engine."""

    @property
    def project(self) -> str: ...

    @property
    def is_local(self) -> bool:
        """Whether it shares this machine's files and ports."""

    def versions(self) -> dict[str, str]:
        """Names and versions of the engine's own programs. Raises EngineGoneError when none answers."""

    def ensure_images(self, services: Sequence[str], say: Say) -> dict[str, str]:
        """Build what is missing or out of date; the image id of each service."""

    def found(self) -> LabSpec | None:
        """What the lab that stands now was started with, told by the lab itself; None where none stands."""

    def reserve(self, spec: LabSpec) -> LabSpec:
        """`spec` with a free network for it. Raises PortInUseError when a port belongs to somebody else."""

    def up(self, spec: LabSpec, services: Sequence[str]) -> None:
        """Start these services and return when their processes run (not when they are ready).

        Raises SubnetInUseError when another lab took this one's addresses meanwhile: reserve again.
        """

    def make(self, spec: LabSpec, workers: int, also: Sequence[str] = ()) -> None:
        """Make exactly so many workers, `worker-1` to `worker-N`, and the services in `also`; start none."""

    def start_made(self) -> None:
        """Start every process that is made and does not run."""

    def core_address(self, spec: LabSpec) -> str:
        """`host:port` at which Toxiproxy reaches the coordinator."""

    def containers(self) -> list[Container]:
        """Every container of the lab, in any state."""

    def look(self, name: str) -> Standing:
        """How one container stands at this instant."""

    def states(self, closely: Collection[str] = ()) -> dict[str, Standing]:
        """State of every container, in one cheap call.

        Limits, exit code and OOM flag are read again for containers in `closely` and for those whose status
        changed; for others they are the last ones that were read.
        """

    def frozen(self) -> dict[str, bool]:
        """Whether each container that `states` found last runs no code now, without asking the engine.

        Empty where only the engine can answer.
        """

    def events(self, since_ns: int | None = None) -> EventStream:
        """Changes of the lab's containers from now on, or from `since_ns` (CLOCK_MONOTONIC) on."""

    def usage(self) -> list[Usage]:
        """What each running container uses at this instant."""

    def log(self, name: str, tail: int | None = None) -> str:
        """What a container printed, each line with its time (RFC 3339) before it."""

    def follow(self, name: str, tail: int) -> Iterator[str]:
        """The same, and then each new line as it comes; ends with the container."""

    def pause(self, name: str) -> None: ...

    def unpause(self, name: str) -> None: ...

    def kill(self, name: str) -> None: ...

    def start(self, name: str) -> None: ...

    def stop(self, name: str, grace_s: float) -> None: ...

    def restart(self, name: str, grace_s: float) -> None: ...

    def unplug(self, name: str) -> None:
        """Pull the network cable: no FIN, no RST."""

    def plug(self, name: str) -> None:
        """Put the cable back, with the address it had."""

    def limit(self, name: str, limits: Limits) -> None:
        """Set ceilings."""

    def unlimit(self, name: str, cpus: bool = True, memory: bool = True) -> None:
        """Back to the ceilings that the container was made with, of these kinds."""

    def hurts(self) -> dict[str, list[str]]:
        """What is not as it was made, by container: paused, exited, unplugged, limited."""

    def stop_all(self, grace_s: float) -> None:
        """Stop every process in order, workers first, and keep what they wrote."""

    def fetch_journals(self, into: Path) -> list[str]:
        """Copy journals that are kept inside the engine into a folder; what lay beside them, left out."""

    def down(self) -> list[str]:
        """Remove all that belongs to the lab, in any state; what is left afterwards, if anything."""

    def interrupt(self) -> None:
        """End a call that is under way, as soon as it can be."""
