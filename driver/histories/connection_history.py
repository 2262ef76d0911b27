"""Connection history: when each client was connected, by either side's journal, and each of its outages."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from driver.histories.history import SERVER, History
from driver.histories.intervals import Interval, difference, intersection, union
from driver.histories.run_timeline import EARLY_EFFECT_NS, FaultWindow, RunTimeline, run_timeline
from driver.histories.server_events import ClientGone, ClientJoined, ClientLost, client_of
from driver.histories.work import CARRIED
from wire.events import (
    BackoffStarted,
    Connected,
    ConnectFailed,
    Connecting,
    ConnectionLost,
    Event,
    ProcessStarted,
    ProcessStopping,
    ReconnectAbandoned,
)

LOSS, RESTART = "loss", "restart"
ZOMBIE, GHOST = "zombie", "ghost"
"""Connected by the server's journal alone, and by the client's alone."""
STOPPING = ("pause",)
"""Faults under which a process does not run, so that it cannot detect the end of its connection."""
MOST_VIEWS = 4_096
"""Clients whose views are kept apart."""


@dataclass
class ConnectionAttempt:
    """One attempt to connect.

    `kind` is "connected", the kind of its ConnectFailed event, or "" while neither event exists.
    """

    began: Connecting
    ended_ns: int = 0
    kind: str = ""


@dataclass
class Outage:
    """From the break of a connection to the next one. `how`: LOSS, or RESTART (the process ended).

    broken_ns ─detection─▶ lost_ns ─waiting, failed attempts─▶ ─handshake─▶ back_ns ─resume─▶ work_ns
    """

    client: str
    how: str
    broken_ns: int
    lost_ns: int
    lost: ConnectionLost | None
    attempts: list[ConnectionAttempt] = field(default_factory=list)
    asked_wait_ms: list[float] = field(default_factory=list)
    back: Connected | None = None
    work_ns: int | None = None

    @property
    def back_ns(self) -> int | None:
        """When the next connection began; None where none did."""
        return self.back.at_ns if self.back else None

    @property
    def detection_s(self) -> float:
        """Seconds from the break until the client recorded the loss."""
        return (self.lost_ns - self.broken_ns) / 1e9

    @property
    def failed_attempts_s(self) -> float:
        """Seconds in attempts that failed."""
        return sum(a.ended_ns - a.began.at_ns for a in self.attempts if a.kind not in ("", "connected")) / 1e9

    @property
    def handshake_s(self) -> float:
        """Seconds of the attempt that succeeded, from its begin to the session."""
        return sum(a.ended_ns - a.began.at_ns for a in self.attempts if a.kind == "connected") / 1e9

    @property
    def total_s(self) -> float | None:
        """Seconds from the break to the next connection; None where there is none."""
        return None if self.back is None else (self.back.at_ns - self.broken_ns) / 1e9

    @property
    def waiting_s(self) -> float | None:
        """Seconds that are neither detection nor an attempt; None where no connection follows."""
        if self.total_s is None:
            return None
        return max(0.0, self.total_s - self.detection_s - self.failed_attempts_s - self.handshake_s)

    @property
    def resume_s(self) -> float | None:
        """Seconds from the next connection to the first work over it; None without either."""
        if self.back_ns is None or self.work_ns is None:
            return None
        return (self.work_ns - self.back_ns) / 1e9


@dataclass
class ConnectionHistory:
    """One client's connections.

    `by_client` and `by_server` are the intervals in which that side's journal has it connected, sorted
    and disjoint. `starts` counts its processes.
    """

    client: str
    by_client: list[Interval] = field(default_factory=list)
    by_server: list[Interval] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    attempts: list[ConnectionAttempt] = field(default_factory=list)
    starts: int = 0
    gave_up: ReconnectAbandoned | None = None

    @property
    def connected(self) -> list[Interval]:
        """The intervals in which both sides' journals have it connected."""
        return intersection(self.by_client, self.by_server)

    @property
    def one_sided(self) -> list[tuple[str, list[Interval]]]:
        """The intervals in which one side's journal alone has it connected, as zombie and as ghost."""
        return [
            (ZOMBIE, difference(self.by_server, self.by_client)),
            (GHOST, difference(self.by_client, self.by_server)),
        ]

    @property
    def reconnections(self) -> list[Outage]:
        """The outages that a connection followed."""
        return [outage for outage in self.outages if outage.back is not None]


def connection_histories(history: History) -> dict[str, ConnectionHistory]:
    """Return each client's connections by its name, in the order of the clients' numbers."""
    by_server = history.view(_by_server)
    return {
        client: replace(history.view(_of_client(client)), by_server=by_server.get(client, []))
        for client in history.clients
    }


@lru_cache(maxsize=MOST_VIEWS)
def _of_client(client: str) -> Callable[[History], ConnectionHistory]:
    """Return what makes the view of one client: of a changed history, others' are shared."""

    def made(history: History) -> ConnectionHistory:
        run = history.view(run_timeline)
        tracker = ConnectionTracker(client, run.faults_on(client))
        given_up = deque(history.view(_given_up_ns).get(client, []))
        for event in history.by(client):
            if event.at_ns > run.end_ns:
                break
            if isinstance(event, ConnectionLost):
                while given_up and given_up[0] <= event.at_ns:
                    tracker.server_lost(given_up.popleft())
            tracker.add(event)
        tracker.close(run.end_ns)
        tracker.connections.by_client = union(tracker.connections.by_client)
        return tracker.connections

    return made


def _given_up_ns(history: History) -> dict[str, list[int]]:
    """Return when the server declared the connections of each client lost."""
    found: dict[str, list[int]] = {}
    for lost in history.of(ClientLost):
        if lost.kind != "superseded":
            found.setdefault(client_of(lost), []).append(lost.at_ns)
    return found


class ConnectionTracker:
    """Builds one client's connection history from its events, added in order.

    `faults` are those that affect the client; the caller may append to them, each before its effects.
    """

    def __init__(self, client: str, faults: Sequence[FaultWindow]) -> None:
        self.connections = ConnectionHistory(client)
        self._faults = faults
        self._given_up_ns = 0
        self._since_ns: int | None = None
        self._outage: Outage | None = None
        self._last_ns = 0
        self._on: dict[type[Event], Callable[..., None]] = {
            ProcessStarted: self._started,
            ProcessStopping: self._stopping,
            BackoffStarted: self._waiting,
            Connecting: self._connecting,
            ConnectFailed: self._failed,
            Connected: self._connected,
            ConnectionLost: self._lost,
            ReconnectAbandoned: self._gave_up,
            **dict.fromkeys(CARRIED, self._work),
        }

    def add(self, event: Event) -> None:
        """Apply the client's next event; kinds that concern no connection change nothing."""
        if handler := self._on.get(type(event)):
            handler(event)
        self._last_ns = event.at_ns

    def server_lost(self, at_ns: int) -> None:
        """Record that the server declared the client's connection lost at `at_ns`."""
        self._given_up_ns = at_ns

    def close(self, at_ns: int) -> None:
        """End an open connection at `at_ns`."""
        if self._since_ns is not None:
            self.connections.by_client.append((self._since_ns, at_ns))
            self._since_ns = None

    def _started(self, event: ProcessStarted) -> None:
        self.connections.starts += 1
        if self._since_ns is not None:
            # A killed process records no end: its connection ended with the fault that killed it, else with
            # its last event.
            died_ns = self._broken_ns(self._last_ns, event.at_ns)
            self.close(died_ns)
            self._begin(RESTART, died_ns, event.at_ns, None)
        elif self._outage is not None and self._outage.back is None:
            self._outage.how = RESTART
        elif self.connections.starts > 1:
            self._begin(RESTART, self._last_ns, event.at_ns, None)

    def _stopping(self, event: ProcessStopping) -> None:
        self.close(event.at_ns)

    def _waiting(self, event: BackoffStarted) -> None:
        if self._outage is not None and self._outage.back is None:
            self._outage.asked_wait_ms.append(event.delay_ms)

    def _connecting(self, event: Connecting) -> None:
        attempt = ConnectionAttempt(event)
        self.connections.attempts.append(attempt)
        if self._outage is not None and self._outage.back is None:
            self._outage.attempts.append(attempt)

    def _failed(self, event: ConnectFailed) -> None:
        self._end_attempt(event.at_ns, event.kind)

    def _connected(self, event: Connected) -> None:
        self._end_attempt(event.at_ns, "connected")
        self.close(event.at_ns)
        self._since_ns = event.at_ns
        if self._outage is not None and self._outage.back is None:
            self._outage.back = event

    def _lost(self, event: ConnectionLost) -> None:
        last_received_ns = event.at_ns - int(event.silent_ms * 1e6)
        stopped_ns = None if self._since_ns is None else self._stopped_ns(self._since_ns)
        self.close(event.at_ns)
        if event.kind == "heartbeat_timeout":
            broken_ns = self._broken_ns(last_received_ns, event.at_ns)
        else:
            broken_ns = self._fault_between(last_received_ns, event.at_ns) or event.at_ns
        if stopped_ns is not None:
            broken_ns = min(broken_ns, stopped_ns)
        self._begin(LOSS, broken_ns, event.at_ns, event)

    def _gave_up(self, event: ReconnectAbandoned) -> None:
        self.connections.gave_up = event

    def _work(self, event: Event) -> None:
        if self._outage is not None and self._outage.back is not None and self._outage.work_ns is None:
            self._outage.work_ns = event.at_ns

    def _end_attempt(self, at_ns: int, kind: str) -> None:
        if self.connections.attempts and not self.connections.attempts[-1].kind:
            self.connections.attempts[-1].ended_ns, self.connections.attempts[-1].kind = at_ns, kind

    def _begin(self, how: str, broken_ns: int, lost_ns: int, lost: ConnectionLost | None) -> None:
        self._outage = Outage(self.connections.client, how, broken_ns, lost_ns, lost)
        self.connections.outages.append(self._outage)

    def _stopped_ns(self, since_ns: int) -> int | None:
        """Return when a fault paused the client's process, if the server declared the connection open
        since `since_ns` lost during that pause: the break is then the pause's begin. None otherwise.
        """
        if self._given_up_ns < since_ns:
            return None
        stops = [
            fault.began_ns
            for fault in self._faults
            if fault.kind in STOPPING and self.connections.client in fault.targets
            if since_ns <= fault.began_ns <= self._given_up_ns
            if fault.ended_ns is None or self._given_up_ns <= fault.ended_ns + EARLY_EFFECT_NS
        ]
        return max(stops, default=None)

    def _broken_ns(self, after_ns: int, before_ns: int) -> int:
        return self._fault_between(after_ns, before_ns) or after_ns

    def _fault_between(self, after_ns: int, before_ns: int) -> int | None:
        inside = [
            fault.began_ns
            for fault in self._faults
            if after_ns <= fault.began_ns and fault.due_ns <= before_ns + EARLY_EFFECT_NS
        ]
        return min(before_ns, *inside) if inside else None


def _by_server(history: History) -> dict[str, list[Interval]]:
    """Return when the server held a connection of each client; its own end ends all."""
    run = history.view(run_timeline)
    since: dict[str, tuple[str, int]] = {}
    held: dict[str, list[Interval]] = {}

    def close(client: str, at_ns: int) -> None:
        if client in since:
            held.setdefault(client, []).append((since.pop(client)[1], at_ns))

    last_ns = 0
    for event in history.by(SERVER):
        if event.at_ns > run.end_ns:
            break
        if isinstance(event, ClientJoined):
            close(client_of(event), event.at_ns)
            since[client_of(event)] = (event.session, event.at_ns)
        elif isinstance(event, ClientLost | ClientGone):
            # The end of a superseded connection is not the end of the one that superseded it.
            superseded = isinstance(event, ClientLost) and event.kind == "superseded"
            if not superseded and since.get(client_of(event), ("", 0))[0] == event.session:
                close(client_of(event), event.at_ns)
        elif isinstance(event, ProcessStarted | ProcessStopping):
            died_ns = (
                _died_ns(run, last_ns, event.at_ns) if isinstance(event, ProcessStarted) else event.at_ns
            )
            for client in list(since):
                close(client, died_ns)
        last_ns = event.at_ns
    for client in list(since):
        close(client, run.end_ns)
    return {client: union(intervals) for client, intervals in held.items()}


def _died_ns(run: RunTimeline, last_line_ns: int, restart_ns: int) -> int:
    """Return when a killed server ended: at the begin of a fault on it, else at its last event."""
    aimed = [window for window in run.faults if SERVER in window.targets]
    begins = (
        window.began_ns for window in aimed if last_line_ns <= window.began_ns and window.due_ns <= restart_ns
    )
    return min(next(begins, last_line_ns), restart_ns)
