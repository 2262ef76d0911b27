"""The present state of one worker, from its own events and from the coordinator's. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from driver.dashboard.live_usage import LiveUsage
from driver.histories.connection_history import ConnectionTracker, Outage
from driver.histories.run_timeline import FaultWindow
from wire.events import (
    Connected,
    Connecting,
    ConnectionLost,
    Event,
    ProcessStarted,
    ProcessStopping,
    ReconnectAbandoned,
)
from wire.task_events import Dropped, Finished, LeaseExpired, Started


class TileState(StrEnum):
    """The state that a worker's tile shows. `down`: its process ended, or only one side is connected."""

    connected = "connected"
    trying = "trying"
    down = "down"
    unknown = "unknown"


@dataclass
class LiveWorker:
    """One worker. `faults` are all that ever reached it, in order; `since_wall_s` is when its state began."""

    name: str
    faults: list[FaultWindow] = field(default_factory=list)
    usage: LiveUsage = field(default_factory=LiveUsage)
    is_registered: bool = False
    """Whether the coordinator has a connection of this worker."""
    since_wall_s: float = 0.0
    attempt: int = 0
    tasks: int = 0
    reconnections: int = 0
    running: dict[tuple[str, int], None] = field(default_factory=dict)
    _own_state: TileState = TileState.unknown

    def __post_init__(self) -> None:
        self.tracker = ConnectionTracker(self.name, self.faults)

    @property
    def state(self) -> TileState:
        """The worker's own state; `down` where it is connected but the coordinator has no connection."""
        if self._own_state is TileState.connected and not self.is_registered:
            return TileState.down
        return self._own_state

    @property
    def task_text(self) -> str:
        """The running task, with the number of others; "" for none."""
        if not self.running:
            return ""
        first = next(iter(self.running))[0]
        return first if len(self.running) == 1 else f"{first} and {len(self.running) - 1} more"

    def apply(self, event: Event) -> Outage | None:
        """Apply the worker's next event; returns the outage that the event ends, if any."""
        before = self.tracker.connections.outages[-1] if self.tracker.connections.outages else None
        was_away = before is not None and before.back is None
        self.tracker.add(event)
        match event:
            case Connected():
                self._set_state(TileState.connected, event)
                self.attempt = 0
            case ConnectionLost() | ProcessStarted():
                self._set_state(TileState.trying, event)
                self.attempt = 0
                if isinstance(event, ProcessStarted):
                    self.running.clear()
            case ProcessStopping() | ReconnectAbandoned():
                self._set_state(TileState.down, event)
                self.running.clear()
            case Connecting():
                self.attempt = event.attempt
            case Started():
                self.running[event.task, event.token] = None
            case Finished() | LeaseExpired() | Dropped():
                self.running.pop((event.task, event.token), None)
        return before if was_away and before is not None and before.back is not None else None

    def set_registered(self, is_registered: bool, event: Event) -> None:
        """Set whether the coordinator has a connection of this worker, since the time of `event`."""
        if is_registered is not self.is_registered and self._own_state is TileState.connected:
            self.since_wall_s = event.wall_s
        self.is_registered = is_registered

    def _set_state(self, state: TileState, event: Event) -> None:
        if state is not self._own_state:
            self.since_wall_s = event.wall_s
        self._own_state = state
