"""Who was connected when, and every way back: from the workers' journals, beside the coordinator's belief."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from driver.histories.course import BEFORE_NS, Course, FaultWindow, course
from driver.histories.history import COORDINATOR, History
from driver.histories.intervals import Interval, intersection, union
from wire.events import (
    Connected,
    ConnectFailed,
    Connecting,
    Event,
    GaveUp,
    Lost,
    ProcessStarted,
    ProcessStopping,
    Received,
    ResultAcknowledged,
    Waiting,
    WorkerGone,
    WorkerJoined,
    WorkerLost,
)

LOSS, RESTART = "loss", "restart"
STOPPING = ("pause",)
"""Faults under which a process does nothing at all, and cannot notice that its connection ends."""


@dataclass
class Attempt:
    """One try to connect.

    `kind` is "" while nothing says how it ended, connected, or what ConnectFailed says.
    """

    began: Connecting
    ended_ns: int = 0
    kind: str = ""


@dataclass
class Outage:
    """From the break of a connection to the next one. `how`: loss, or restart (the process died).

    broken_ns ─detection─▶ lost_ns ─waiting, failed attempts─▶ ─handshake─▶ back_ns ─resume─▶ work_ns
    """

    worker: str
    how: str
    broken_ns: int
    lost_ns: int
    lost: Lost | None
    attempts: list[Attempt] = field(default_factory=list)
    asked_wait_ms: list[float] = field(default_factory=list)
    back: Connected | None = None
    work_ns: int | None = None

    @property
    def back_ns(self) -> int | None:
        """When the worker was connected again; None: never."""
        return self.back.at_ns if self.back else None

    @property
    def detection_s(self) -> float:
        """From the break until the worker knew."""
        return (self.lost_ns - self.broken_ns) / 1e9

    @property
    def failed_attempts_s(self) -> float:
        """Spent in attempts that came to nothing."""
        return sum(a.ended_ns - a.began.at_ns for a in self.attempts if a.kind not in ("", "connected")) / 1e9

    @property
    def handshake_s(self) -> float:
        """The attempt that succeeded, from its first packet to the session."""
        return sum(a.ended_ns - a.began.at_ns for a in self.attempts if a.kind == "connected") / 1e9

    @property
    def total_s(self) -> float | None:
        """From the break until the worker was connected again."""
        return None if self.back is None else (self.back.at_ns - self.broken_ns) / 1e9

    @property
    def waiting_s(self) -> float | None:
        """All that is neither detection nor an attempt."""
        if self.total_s is None:
            return None
        return max(0.0, self.total_s - self.detection_s - self.failed_attempts_s - self.handshake_s)


@dataclass
class Story:
    """One worker's connections.

    `own` is when it believed itself connected, `seen` when the coordinator did.
    """

    worker: str
    own: list[Interval] = field(default_factory=list)
    seen: list[Interval] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    lives: int = 0
    gave_up: GaveUp | None = None

    @property
    def connected(self) -> list[Interval]:
        """When both sides believed it."""
        return intersection(self.own, self.seen)

    @property
    def reconnections(self) -> list[Outage]:
        """The outages that ended in a connection."""
        return [outage for outage in self.outages if outage.back is not None]


def stories(history: History) -> dict[str, Story]:
    """Every worker's story, by name, in the order of the workers' numbers."""
    run = history.view(course)
    seen = _seen(history, run)
    given_up_ns: dict[str, list[int]] = {}
    for lost in history.of(WorkerLost):
        if lost.kind != "superseded":
            given_up_ns.setdefault(lost.worker, []).append(lost.at_ns)
    told = {}
    for worker in history.workers:
        story = _told(history, worker, run, given_up_ns.get(worker, []))
        story.seen = seen.get(worker, [])
        told[worker] = story
    return told


def _told(history: History, worker: str, run: Course, given_up_ns: list[int]) -> Story:
    teller = Teller(worker, run.reaching(worker))
    given_up = deque(given_up_ns)
    for event in history.by(worker):
        if event.at_ns > run.end_ns:
            break
        if isinstance(event, Lost):
            while given_up and given_up[0] <= event.at_ns:
                teller.give_up(given_up.popleft())
        teller.hear(event)
    teller.close(run.end_ns)
    teller.story.own = union(teller.story.own)
    return teller.story


class Teller:
    """Hears one worker's events in their order; `_on` says what each kind means for its story.

    `faults` are those that reach the worker. More may be added while it listens, each before what it causes.
    """

    def __init__(self, worker: str, faults: Sequence[FaultWindow]) -> None:
        self.story = Story(worker)
        self._faults = faults
        self._given_up_ns = 0
        self._since_ns: int | None = None
        self._outage: Outage | None = None
        self._last_ns = 0
        self._on: dict[type[Event], Callable[..., None]] = {
            ProcessStarted: self._started,
            ProcessStopping: self._stopping,
            Waiting: self._waiting,
            Connecting: self._connecting,
            ConnectFailed: self._failed,
            Connected: self._connected,
            Lost: self._lost,
            GaveUp: self._gave_up,
            Received: self._work,
            ResultAcknowledged: self._work,
        }

    def hear(self, event: Event) -> None:
        """The worker's next line."""
        if handler := self._on.get(type(event)):
            handler(event)
        self._last_ns = event.at_ns

    def give_up(self, at_ns: int) -> None:
        """The coordinator has given up the worker's connection of that instant."""
        self._given_up_ns = at_ns

    def close(self, at_ns: int) -> None:
        """The story ends here; a connection that stands is counted until then."""
        if self._since_ns is not None:
            self.story.own.append((self._since_ns, at_ns))
            self._since_ns = None

    def _started(self, event: ProcessStarted) -> None:
        self.story.lives += 1
        if self._since_ns is not None:
            # A killed process writes nothing: it was connected until the fault that killed it, or until its
            # last line.
            died_ns = self._broken_ns(self._last_ns, event.at_ns)
            self.close(died_ns)
            self._begin(RESTART, died_ns, event.at_ns, None)
        elif self._outage is not None and self._outage.back is None:
            self._outage.how = RESTART
        elif self.story.lives > 1:
            self._begin(RESTART, self._last_ns, event.at_ns, None)

    def _stopping(self, event: ProcessStopping) -> None:
        self.close(event.at_ns)

    def _waiting(self, event: Waiting) -> None:
        if self._outage is not None and self._outage.back is None:
            self._outage.asked_wait_ms.append(event.delay_ms)

    def _connecting(self, event: Connecting) -> None:
        attempt = Attempt(event)
        self.story.attempts.append(attempt)
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

    def _lost(self, event: Lost) -> None:
        heard_ns = event.at_ns - int(event.silent_ms * 1e6)
        stopped_ns = None if self._since_ns is None else self._stopped_ns(self._since_ns)
        self.close(event.at_ns)
        if event.kind == "heartbeat_timeout":
            broken_ns = self._broken_ns(heard_ns, event.at_ns)
        else:
            broken_ns = self._fault_between(heard_ns, event.at_ns) or event.at_ns
        if stopped_ns is not None:
            broken_ns = min(broken_ns, stopped_ns)
        self._begin(LOSS, broken_ns, event.at_ns, event)

    def _gave_up(self, event: GaveUp) -> None:
        self.story.gave_up = event

    def _work(self, event: Event) -> None:
        if self._outage is not None and self._outage.back is not None and self._outage.work_ns is None:
            self._outage.work_ns = event.at_ns

    def _end_attempt(self, at_ns: int, kind: str) -> None:
        if self.story.attempts and not self.story.attempts[-1].kind:
            self.story.attempts[-1].ended_ns, self.story.attempts[-1].kind = at_ns, kind

    def _begin(self, how: str, broken_ns: int, lost_ns: int, lost: Lost | None) -> None:
        self._outage = Outage(self.story.worker, how, broken_ns, lost_ns, lost)
        self.story.outages.append(self._outage)

    def _stopped_ns(self, since_ns: int) -> int | None:
        """When a fault stopped the worker's process, if the coordinator gave up meanwhile the connection that
        was there since `since_ns`: the worker was gone from then on, whatever it reads when it wakes.
        """
        if self._given_up_ns < since_ns:
            return None
        stops = [
            fault.began_ns
            for fault in self._faults
            if fault.kind in STOPPING and self.story.worker in fault.targets
            if since_ns <= fault.began_ns <= self._given_up_ns
            if fault.ended_ns is None or self._given_up_ns <= fault.ended_ns + BEFORE_NS
        ]
        return max(stops, default=None)

    def _broken_ns(self, after_ns: int, before_ns: int) -> int:
        return self._fault_between(after_ns, before_ns) or after_ns

    def _fault_between(self, after_ns: int, before_ns: int) -> int | None:
        inside = [
            fault.began_ns
            for fault in self._faults
            if after_ns <= fault.began_ns and fault.due_ns <= before_ns + BEFORE_NS
        ]
        return min(before_ns, *inside) if inside else None


def _seen(history: History, run: Course) -> dict[str, list[Interval]]:
    """When the coordinator held a connection with each worker; its own end ends them all."""
    since: dict[str, tuple[str, int]] = {}
    held: dict[str, list[Interval]] = {}

    def close(worker: str, at_ns: int) -> None:
        if worker in since:
            held.setdefault(worker, []).append((since.pop(worker)[1], at_ns))

    last_ns = 0
    for event in history.by(COORDINATOR):
        if event.at_ns > run.end_ns:
            break
        if isinstance(event, WorkerJoined):
            close(event.worker, event.at_ns)
            since[event.worker] = (event.session, event.at_ns)
        elif isinstance(event, WorkerLost | WorkerGone):
            # A connection that a newer one superseded says nothing about the newer one.
            superseded = isinstance(event, WorkerLost) and event.kind == "superseded"
            if not superseded and since.get(event.worker, ("", 0))[0] == event.session:
                close(event.worker, event.at_ns)
        elif isinstance(event, ProcessStarted | ProcessStopping):
            died_ns = (
                _died_ns(run, last_ns, event.at_ns) if isinstance(event, ProcessStarted) else event.at_ns
            )
            for worker in list(since):
                close(worker, died_ns)
        last_ns = event.at_ns
    for worker in list(since):
        close(worker, run.end_ns)
    return {worker: union(intervals) for worker, intervals in held.items()}


def _died_ns(run: Course, last_line_ns: int, restart_ns: int) -> int:
    """When a killed coordinator ended: at the fault aimed at it, else at its last line."""
    aimed = [window for window in run.faults if COORDINATOR in window.targets]
    begins = (
        window.began_ns for window in aimed if last_line_ns <= window.began_ns and window.due_ns <= restart_ns
    )
    return min(next(begins, last_line_ns), restart_ns)
