"""What a simulated run showed: features of its history, by which a plan shows something new."""

from __future__ import annotations

from typing import Final

from coordinator.core import CoordinatorCore
from tests.simulation.anchors import EVENTS, worker_of
from tests.simulation.clock import BEGIN_NS
from tests.simulation.network import Wire
from tests.simulation.plan import Plan, Trouble
from tests.simulation.worker_process import WorkerProcess
from tests.simulation.world import World
from wire import events
from worker.attempts import AttemptStage

LEFT_OUT: Final = ("Totals", "TrafficTotals", "RefusalsOmitted")
"""Events at an interval, which say nothing about what happened."""
MOST_MOMENTS: Final = 300
_ANCHORS: Final = frozenset(EVENTS)
_MS: Final = 1_000_000
_NORMAL: Final = Wire()
_UNDER_WAY: Final = 8


def _texts(names: tuple[str, ...]) -> list[str]:
    """Return the text of each set of four names, by its bits."""
    return ["".join(name for bit, name in enumerate(names) if bits >> bit & 1) for bits in range(16)]


_LINKS: Final = _texts(("silent ", "refusing ", "slow ", "bad "))
_SAID: Final = _texts(("R", "F", "L", "U"))

State = tuple[str, str, str, str, str, str]
"""The phase of a worker, what it holds, its session at the coordinator, the phase of the coordinator, what is
not on its disk, and what is not as it should be anywhere in the fleet.
"""
Moment = tuple[int, str, str, State, str]
"""A time in virtual ms, the name of an event or frame at which a trouble can begin, its worker or "", the
state, and the kind of the trouble that began last, or ""."""


class FeaturesWorld(World):
    """A world that keeps which event followed which in each process, the states in which events came and
    troubles began, and the moments to which a trouble can be anchored.

    `features` has the first as texts, their kind first.
    """

    def __init__(self, plan: Plan) -> None:
        self.moments: list[Moment] = []
        self.steps = 0
        self._shown: set[tuple[str, ...]] = set()
        self._before: dict[str, str] = {}
        self._last_trouble = ""
        self._last_state: State = ("",) * 6
        self._names = [f"worker-{number}" for number in range(1, plan.workers + 1)]
        self._places = {name: place for place, name in enumerate(self._names)}
        super().__init__(plan)

    def on_event(self, event: events.Event) -> None:
        """A line was written."""
        name = type(event).__name__
        if name not in LEFT_OUT:
            self._note(event, name)
        super().on_event(event)

    def on_frame(self, worker: str, name: str) -> None:
        """A frame is sent on a worker's link."""
        self._note_moment(name, worker, self._state(self._places.get(worker, 0)))
        super().on_frame(worker, name)

    def check(self, steps: int) -> None:
        """After every step."""
        self.steps = steps
        super().check(steps)

    def struck(self, trouble: Trouble) -> None:
        """A trouble begins."""
        kind, last = trouble.kind, self._last_state
        phase, load, session, coordinator, disk, fleet = state = self._state(trouble.worker - 1)
        add = self._shown.add
        add(("begin", kind, phase, session))
        add(("begin with", kind, load))
        add(("begin at", kind, coordinator))
        add(("begin before", kind, disk))
        add(("begin in", kind, fleet))
        add(("beside", self._last_trouble, kind, session))
        add(("beside at", self._last_trouble, last[3], kind))
        self._last_trouble, self._last_state = kind, state

    def _note(self, event: events.Event, name: str) -> None:
        by = event.by
        is_own = by == "coordinator"
        worker = worker_of(event)
        key = f"{by} {worker}" if is_own else by
        detail = getattr(event, "outcome", "") or getattr(event, "kind", "") or getattr(event, "reason", "")
        if getattr(event, "attempt", 1) > 1:
            detail = "again"
        now = f"{name} {detail}" if detail and isinstance(detail, str) and len(detail) < 24 else name
        add = self._shown.add
        add(("pair", by if is_own else "worker", self._before.get(key, ""), now))
        self._before[key] = now
        if worker and worker not in self._places:
            return
        # (An event of a worker's twin begins no trouble.)
        state = self._state(self._places.get(worker, 0))
        if name in _ANCHORS:
            self._note_moment(name, worker, state)
        phase, load, session, coordinator, disk, fleet = state
        if worker:
            add(("in", now, phase))
            add(("with", now, load))
            add(("while", now, session))
        add(("during", now, coordinator))
        add(("before", coordinator, disk))
        add(("in fleet", name, fleet))
        add(("life", coordinator, fleet))

    def _note_moment(self, name: str, worker: str, state: State) -> None:
        if worker:
            self._shown.add(("state", state[0], state[2]))
        # (At the very beginning no trouble is armed yet.)
        is_open = self.clock.now_ns > BEGIN_NS and len(self.moments) < MOST_MOMENTS
        if is_open and (not worker or worker in self._places):
            self.moments.append((self._now_ms(), name, worker, state, self._last_trouble))

    @property
    def features(self) -> frozenset[str]:
        """What this run showed until now."""
        return frozenset("|".join(one) for one in self._shown)

    def _now_ms(self) -> int:
        return (self.clock.now_ns - BEGIN_NS) // _MS

    def _state(self, place: int) -> State:
        if place >= len(self.workers):
            return "", "", "", "", "", ""
        worker, coordinator = self.workers[place], self.coordinator.core
        session, said = "", 0
        if coordinator is not None:
            for one in self.workers:
                differs = disagreement(one, coordinator)
                said |= differs
                if one is worker:
                    session = session_state(worker, coordinator, differs)
        links = 0
        for one in self.workers:
            links |= link_state(one.wire)
        phase, load = worker_phase(worker, self.clock.now_ns), worker_load(worker)
        coordinator_phase, disk = self._coordinator_state()
        return phase, load, session, coordinator_phase, disk, _LINKS[links] + _SAID[said & ~_UNDER_WAY]

    def _coordinator_state(self) -> tuple[str, str]:
        """Return its life with what it waits for; and what is not on its disk, since a crash or yet."""
        process = self.coordinator
        core = process.core
        if core is None:
            return "dead", f"{process.forgot} "
        frozen = "frozen " if self.clock.now_ns < process.frozen_until_ns else ""
        draining = "draining " if core.draining else ""
        recovering = "recovering " if core.ledger.recovering else ""
        awaiting = "awaiting " if core.fleet.awaited_sessions else ""
        phase = f"{frozen}{draining}{recovering}{awaiting}{min(core.epoch, 3)}"
        return phase, f"{process.forgot} {process.unstored()}"


def worker_phase(worker: WorkerProcess, now_ns: int) -> str:
    """Return a worker's link where that is not normal, and the phase of its session."""
    core, link = worker.core, _LINKS[link_state(worker.wire)]
    if core is None:
        return f"{link}dead"
    frozen = "frozen " if now_ns < worker.frozen_until_ns else ""
    leaving = " leaving" if core.leaving else ""
    return f"{link}{frozen}{core.state.value}{leaving}"


def worker_load(worker: WorkerProcess) -> str:
    """Return by magnitude a worker's messages that are on their way, and those that wait, and whether it has
    queued, running and finished attempts.
    """
    core = worker.core
    if core is None:
        return ""
    queued = running = finished = 0
    for attempt in core.attempts:
        stage = attempt.stage
        if stage is AttemptStage.running:
            running = 1
        elif stage is AttemptStage.finished:
            finished = 1
        else:
            queued = 1
    sent, waiting = core.channel.in_flight, core.channel.depth - core.channel.in_flight
    return f"{min(sent.bit_length(), 3)} {min(waiting, 1)} {queued}{running}{finished}"


def link_state(wire: Wire) -> int:
    """Return what is not normal about a link, as an index of _LINKS; 0 where nothing is."""
    if wire.silent:
        return 1
    if wire.refusing:
        return 2
    if wire.delay_ms != _NORMAL.delay_ms:
        return 4
    return 8 if wire.damage or wire.replay else 0


def session_state(worker: WorkerProcess, coordinator: CoordinatorCore, differs: int) -> str:
    """Return the phase of a worker's session at the coordinator, and where the two disagree."""
    session = coordinator.fleet.sessions.of(worker.name)
    said = _SAID[differs]
    if session is None:
        return f"none {said}"
    if session.has_left:
        phase = "left"
    elif session.connection is None:
        phase = "lost"
    elif not session.reported:
        phase = "unreported"
    else:
        phase = "draining" if session.draining else "ready"
    is_its = "" if session.incarnation == worker.incarnation else "older "
    awaited = "awaited " if session.id in coordinator.fleet.awaited_sessions else ""
    return f"{is_its}{awaited}{phase} {said}"


def disagreement(worker: WorkerProcess, coordinator: CoordinatorCore) -> int:
    """Return where worker and coordinator disagree about what is held, as an index of _SAID: R and F for
    running and finished attempts that the coordinator lacks, L for those that the worker lacks, U for those
    under way.
    """
    session, core = coordinator.fleet.sessions.of(worker.name), worker.core
    attempts = None if session is None else session.attempts
    table = None if core is None else core.attempts
    said = 0
    if table is not None and len(table):
        for one in table:
            if attempts is None or one.assign.token not in attempts:
                said |= 2 if one.stage is AttemptStage.finished else 1
    if attempts:
        for token, given in attempts.items():
            if given.undelivered is not None:
                said |= _UNDER_WAY
            elif table is None or table.get(token) is None:
                said |= 4
    return said
