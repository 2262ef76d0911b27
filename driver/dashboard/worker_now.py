"""One worker as it is now, from its own lines and from the coordinator's belief. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from driver.histories.connection_history import ConnectionTracker, Outage
from driver.histories.run_timeline import FaultWindow
from wire.events import (
    Connected,
    Connecting,
    ConnectionLost,
    Dropped,
    Event,
    Finished,
    LeaseExpired,
    ProcessStarted,
    ProcessStopping,
    ReconnectAbandoned,
    Started,
)


class Standing(StrEnum):
    """What a tile says. `down`: its process ended, or only one side believes in the connection."""

    connected = "connected"
    trying = "trying"
    down = "down"
    unknown = "unknown"


@dataclass
class Usage:
    """What a container uses, from two samples of it."""

    memory_bytes: int | None = None
    cpu_cores: float | None = None
    _at_ns: int = 0
    _cpu_s: float = 0.0

    def sample(self, at_ns: int, memory_bytes: int, cpu_s: float) -> None:
        """The newest sample. CPU is the total since the container's start, which a restart begins anew."""
        if self._at_ns and at_ns > self._at_ns and cpu_s >= self._cpu_s:
            self.cpu_cores = (cpu_s - self._cpu_s) / (at_ns - self._at_ns) * 1e9
        self._at_ns, self._cpu_s, self.memory_bytes = at_ns, cpu_s, memory_bytes


@dataclass
class WorkerNow:
    """One tile. `faults` are all that ever reached it, in order; `seen` is the coordinator's belief."""

    name: str
    faults: list[FaultWindow] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    seen: bool = False
    since_wall_s: float = 0.0
    attempt: int = 0
    tasks: int = 0
    reconnections: int = 0
    running: dict[tuple[str, int], None] = field(default_factory=dict)
    _own: Standing = Standing.unknown

    def __post_init__(self) -> None:
        self.tracker = ConnectionTracker(self.name, self.faults)

    @property
    def standing(self) -> Standing:
        """Connected only when both sides believe it."""
        if self._own is Standing.connected and not self.seen:
            return Standing.down
        return self._own

    @property
    def doing(self) -> str:
        """The task that runs, or how many."""
        if not self.running:
            return ""
        first = next(iter(self.running))[0]
        return first if len(self.running) == 1 else f"{first} and {len(self.running) - 1} more"

    def hear(self, event: Event) -> Outage | None:
        """The worker's next line; the outage that it ends, if it ends one."""
        before = self.tracker.connections.outages[-1] if self.tracker.connections.outages else None
        was_away = before is not None and before.back is None
        self.tracker.add(event)
        match event:
            case Connected():
                self._turn(Standing.connected, event)
                self.attempt = 0
            case ConnectionLost() | ProcessStarted():
                self._turn(Standing.trying, event)
                self.attempt = 0
                if isinstance(event, ProcessStarted):
                    self.running.clear()
            case ProcessStopping() | ReconnectAbandoned():
                self._turn(Standing.down, event)
                self.running.clear()
            case Connecting():
                self.attempt = event.attempt
            case Started():
                self.running[event.task, event.token] = None
            case Finished() | LeaseExpired() | Dropped():
                self.running.pop((event.task, event.token), None)
        return before if was_away and before is not None and before.back is not None else None

    def believed(self, seen: bool, event: Event) -> None:
        """The coordinator has begun, or ceased, to hold a connection with it."""
        if seen is not self.seen and self._own is Standing.connected:
            self.since_wall_s = event.wall_s
        self.seen = seen

    def _turn(self, to: Standing, event: Event) -> None:
        if to is not self._own:
            self.since_wall_s = event.wall_s
        self._own = to
