"""The live model of a foreign system: links by doors' journals and counters, containers by looks. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from driver.dashboard.event_log import EventLog
from driver.dashboard.live_faults import LiveFaults
from driver.dashboard.live_usage import LiveUsage
from driver.engines.engine import ResourceReading
from driver.histories import events as driver
from driver.histories.connection_history import Outage
from driver.histories.journal_kinds import is_door
from driver.histories.link_names import pair_of
from driver.histories.live_links import KEPT_NS, LiveLink, LiveLinks
from driver.labs.injection_plan import MANUAL_PREFIX
from driver.labs.toxiproxy_api import LinkState
from driver.systems.replicas import Replica
from wire.events import Event

MINUTE_NS = 60_000_000_000
RATE_NS = 5_000_000_000
"""Bytes a second are the mean over this time."""
LOSS_WORDS = {"heartbeat_timeout": "timeout"}
"""How a loss of a client that writes nothing is called, where the reference system's word says more."""


class LiveState(StrEnum):
    """What a link does now.

    `lost`: its client has not dialled since; `one side`: one end alone still has it; `unused`: it was never
    dialled.
    """

    connected = "connected"
    one_side = "one side"
    trying = "trying"
    lost = "lost"
    idle = "idle"
    unused = "unused"
    unknown = "unknown"


@dataclass(frozen=True)
class LossRow:
    """The last loss of a link's last connection. `back_s` is None while nothing carries again."""

    kind: str
    ago_s: float
    back_s: float | None
    attempts: int

    def __str__(self) -> str:
        end = "not back" if self.back_s is None else f"back in {short_s(self.back_s)}"
        return f"{self.kind} {short_s(self.ago_s)} ago, {end}"


@dataclass(frozen=True)
class LinkRow:
    """One link as it is now. Rates are None before two looks; `since_s` is None where it is not known."""

    name: str
    state: LiveState
    since_s: float | None
    open: int
    to_server_per_s: float | None
    to_client_per_s: float | None
    attempts: int
    loss: LossRow | None
    faults: tuple[str, ...]

    @property
    def pair(self) -> str:
        """The pair of the link."""
        return pair_of(self.name)


@dataclass(frozen=True)
class ContainerRow:
    """One container as it is now. `cpu_cores` is None before two looks."""

    name: str
    state: str
    health: str
    restarts: int
    cpu_cores: float | None
    memory_bytes: int | None
    faults: tuple[str, ...]
    is_own: bool

    @property
    def is_well(self) -> bool:
        """Whether it runs and is not unhealthy, or ended with 0."""
        return self.health in ("", "healthy") and self.state in ("running", "exited (0)")


@dataclass(frozen=True)
class SystemLook:
    """One look at a system that is up; `states` is None where not every door answers."""

    at_ns: int
    wall_s: float
    states: Sequence[LinkState] | None
    replicas: Sequence[Replica]
    usage: Sequence[ResourceReading]


class SystemModel:
    """`names` has, of each door's process, the names of its links by Toxiproxy's."""

    def __init__(self, names: Mapping[str, Mapping[str, str]], kept_ns: int = KEPT_NS) -> None:
        self.live = LiveLinks(names, kept_ns)
        self.faults = LiveFaults()
        self.log = EventLog()
        self._look: SystemLook | None = None
        self._states: Sequence[LinkState] = ()
        self._flows: dict[str, deque[tuple[int, int, int]]] = {}
        self._usage: dict[str, LiveUsage] = {}

    @property
    def looked(self) -> SystemLook | None:
        """The newest look."""
        return self._look

    def add(self, process: str, events: Sequence[Event]) -> None:
        """Add the next events of a process's journal."""
        if is_door(process):
            self.live.add(process, events)
            return
        for event in events:
            self._add_driver(event)
            self.log.add(event)

    def look(self, look: SystemLook) -> None:
        """Take the newest look at counters and containers."""
        self._look = look
        if look.states is not None:
            self._states = look.states
            for state in look.states:
                flow = self._flows.setdefault(state.name, deque())
                flow.append((look.at_ns, state.bytes_upstream, state.bytes_downstream))
                while len(flow) > 2 and flow[0][0] < look.at_ns - RATE_NS:
                    flow.popleft()
        for reading in look.usage:
            usage = self._usage.setdefault(reading.container, LiveUsage())
            usage.add_sample(look.at_ns, reading.memory_bytes, reading.cpu_s)

    def links(self, now_ns: int) -> list[LinkRow]:
        """Return a row for each link, sorted by name."""
        found = self.live.links(now_ns)
        return [self._row(state, found.get(state.name), now_ns) for state in self._states]

    def containers(self) -> list[ContainerRow]:
        """Return a row for each container: the services' first, then the lab's own."""
        if self._look is None:
            return []
        faults = self.faults.by_target()
        return [self._container(one, faults.get(one.name, [])) for one in self._look.replicas]

    def _add_driver(self, event: Event) -> None:
        self.live.add_fault(event)
        match event:
            case driver.FaultBegun():
                self.faults.begin(event)
            case driver.FaultEnded():
                self.faults.end(event)
            case driver.Healed():
                self.faults.heal(event)
            case driver.Receipt():
                self.faults.add_receipt(event)

    def _row(self, state: LinkState, live: LiveLink | None, now_ns: int) -> LinkRow:
        now, since_ns = state_of(state, live)
        to_server, to_client = _rates(self._flows[state.name])
        return LinkRow(
            name=state.name,
            state=now,
            since_s=None if since_ns is None else max(0, now_ns - since_ns) / 1e9,
            open=state.connections,
            to_server_per_s=to_server,
            to_client_per_s=to_client,
            attempts=0 if live is None else live.attempts_since(now_ns - MINUTE_NS),
            loss=None if live is None else _last_loss(live, now_ns),
            faults=self._faults_on(state),
        )

    def _faults_on(self, state: LinkState) -> tuple[str, ...]:
        known = self.faults.all
        kinds = [known[one].begun.kind if one in known else _unknown(one) for one in state.faults]
        closed = [] if state.enabled or kinds else ["closed"]
        return tuple(dict.fromkeys([*(kinds or state.toxics), *closed, *(["stuck"] if state.stuck else [])]))

    def _container(self, one: Replica, faults: Sequence[str]) -> ContainerRow:
        usage = self._usage.get(one.name, LiveUsage()) if one.state == "running" else LiveUsage()
        ended = "" if one.exit_code is None else f" ({one.exit_code})"
        return ContainerRow(
            name=one.name,
            state=f"{one.state}{ended}",
            health=one.health,
            restarts=one.restarts,
            cpu_cores=usage.cpu_cores,
            memory_bytes=usage.memory_bytes,
            faults=tuple(dict.fromkeys(self.faults.all[fault].begun.kind for fault in faults)),
            is_own=type(one) is not Replica,
        )


def state_of(state: LinkState, live: LiveLink | None) -> tuple[LiveState, int | None]:
    """Return what a link does now, and since when; its door's counters say so where its journal does not."""
    connections = None if live is None else live.connections
    if live is None or connections is None:
        undialled = LiveState.idle if state.accepted else LiveState.unused
        found = undialled if live is None else LiveState.unknown
        return (LiveState.connected if state.connections else found), None
    ends = [spans[-1] for spans in (connections.by_client, connections.by_server) if spans]
    still = [begin_ns for begin_ns, end_ns in ends if end_ns >= live.read_ns]
    if still:
        return (LiveState.connected if len(still) == len((0, 1)) else LiveState.one_side), max(still)
    outage = connections.outages[-1] if connections.outages else None
    if outage is not None and outage.back is None:
        return (LiveState.trying if outage.attempts else LiveState.lost), outage.broken_ns
    return LiveState.idle, max((end_ns for _, end_ns in ends), default=None)


def loss_kind(outage: Outage) -> str:
    """Return how the connection of an outage ended, in a word."""
    kind = outage.lost.kind if outage.lost is not None else outage.how
    return LOSS_WORDS.get(kind, kind)


def short_s(seconds: float) -> str:
    """Return a time in a few characters: `350 ms`, `1.2 s`, `48 s`, `12 min`."""
    if seconds < 1:
        return f"{seconds * 1e3:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _last_loss(live: LiveLink, now_ns: int) -> LossRow | None:
    if live.connections is None or not live.connections.outages:
        return None
    last = live.connections.outages[-1]
    return LossRow(loss_kind(last), max(0, now_ns - last.lost_ns) / 1e9, last.total_s, len(last.attempts))


def _rates(flow: Sequence[tuple[int, int, int]]) -> tuple[float | None, float | None]:
    """Return bytes a second to the server and to the client; totals of a new door begin again at 0."""
    (first_ns, first_up, first_down), (last_ns, last_up, last_down) = flow[0], flow[-1]
    if last_ns <= first_ns or last_up < first_up or last_down < first_down:
        return None, None
    passed_s = (last_ns - first_ns) / 1e9
    return (last_up - first_up) / passed_s, (last_down - first_down) / passed_s


def _unknown(fault: str) -> str:
    return "by hand" if fault.startswith(MANUAL_PREFIX) else fault
