"""The timeline's lanes: for each client its connections, its outages and their causes, its work. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from driver.histories.connection_history import ConnectionHistory, Outage, connection_histories
from driver.histories.history import COORDINATOR, History
from driver.histories.intervals import Interval, difference, intersection, union
from driver.histories.link_names import is_link
from driver.histories.outage_phases import PHASES
from driver.histories.run_timeline import FaultWindow, RunTimeline, run_timeline
from wire.events import Connected, ConnectionLost, Event, ProcessStarted, ProcessStopping
from wire.task_events import Finished, LeaseExpired, Started

CONNECTED, ONE_SIDED, DOWN = 1, 2, 3
FINEST = 2000
"""Number of steps of the whole run: what is closer together than one step is drawn as one."""

Span = tuple[float, float]


class Note(msgspec.Struct, frozen=True):
    """One outage, as shown on hover. Times are seconds of the run; `parts_s` has one for each phase."""

    from_s: float
    back_s: float | None
    how: str
    kind: str
    detail: str
    attempts: int
    parts_s: list[float | None]
    outcome: str
    where: str


class Lane(msgspec.Struct, frozen=True):
    """One process.

    `states` are (from, to, state); `attempts` begin at those seconds; `busy` is when a task ran.
    """

    name: str
    states: list[tuple[float, float, int]]
    attempts: list[float]
    busy: list[Span]
    notes: list[Note]
    trouble: float


class Band(msgspec.Struct, frozen=True):
    """One fault. `lanes` are the indices of its targets' lanes."""

    fault: str
    kind: str
    from_s: float
    to_s: float
    proved: bool
    receipt: str
    lanes: list[int]


class Timeline(msgspec.Struct, frozen=True):
    """The whole timeline, in seconds from the run's zero. `phases` are (name, from, to)."""

    begin_s: float
    end_s: float
    lanes: list[Lane]
    bands: list[Band]
    phases: list[tuple[str, float, float]]


class Clock:
    """Converts instants of the history to seconds from the run's zero, in steps of a millisecond.

    `begin_ns` is the history's first event, which is before the zero where a lab had to come up first.
    """

    def __init__(self, history: History) -> None:
        self._run = history.view(run_timeline)
        self.zero_ns = self._run.zero_ns
        self.begin_ns = history.begin_ns
        self.end_ns = max(self._run.end_ns, self._run.zero_ns + 1, history.begin_ns + 1)

    def __call__(self, at_ns: int) -> float:
        return round(self._run.at_s(at_ns), 3)

    @property
    def step_ns(self) -> int:
        """The shortest time that a plot of the whole run can show."""
        return max(1, (self.end_ns - self.begin_ns) // FINEST)


LanesOf = Callable[[History, Clock], list[Lane]]
"""Returns the lanes of a history, in the order in which they are drawn."""


def worker_lanes(history: History, clock: Clock) -> list[Lane]:
    """Return the lanes of the reference system: the coordinator's, then each worker's."""
    workers = history.view(connection_histories).values()
    return [_coordinator(history, clock), *(_worker(history, one, clock) for one in workers)]


def timeline(history: History, lanes_of: LanesOf = worker_lanes) -> Timeline:
    """Return the timeline of a run."""
    clock = Clock(history)
    run = history.view(run_timeline)
    lanes = lanes_of(history, clock)
    index = {lane.name: number for number, lane in enumerate(lanes)}
    return Timeline(
        begin_s=clock(clock.begin_ns),
        end_s=clock(clock.end_ns),
        lanes=lanes,
        bands=[_band(window, run, index, clock) for window in run.faults],
        phases=[
            (phase.name, clock(phase.began_ns), clock(phase.ended_ns or clock.end_ns))
            for phase in run.phases.values()
        ],
    )


def _coordinator(history: History, clock: Clock) -> Lane:
    lives = _lives(history.by(COORDINATOR), clock.end_ns)
    states = [(clock(begin), clock(end), CONNECTED) for begin, end in lives]
    gaps = difference([(lives[0][0], lives[-1][1])], lives) if lives else []
    states += [(clock(begin), clock(end), DOWN) for begin, end in gaps]
    return Lane(COORDINATOR, states, [], [], [], float(len(gaps)))


def _worker(history: History, connections: ConnectionHistory, clock: Clock) -> Lane:
    events = history.by(connections.worker)
    both = connections.connected
    by_worker, by_coordinator = connections.by_worker, connections.by_coordinator
    one_sided = union([*difference(by_worker, both), *difference(by_coordinator, both)])
    whole = [(clock.begin_ns, clock.end_ns)]
    alive = intersection(_lives(events, clock.end_ns), whole)
    down = difference(difference(alive, both), one_sided)
    states = [
        (clock(begin), clock(end), state)
        for state, intervals in ((CONNECTED, both), (ONE_SIDED, one_sided), (DOWN, down))
        for begin, end in intervals
    ]
    lines = _lines(history, connections.worker)
    attempts = [one.began.at_ns for one in connections.attempts if one.began.at_ns <= clock.end_ns]
    return Lane(
        name=connections.worker,
        states=sorted(states),
        attempts=[clock(at_ns) for at_ns in thinned(attempts, clock.step_ns)],
        busy=[(clock(begin), clock(end)) for begin, end in _busy(events, clock)],
        notes=[outage_note(outage, lines, clock) for outage in connections.outages],
        trouble=round(sum((end - begin) for begin, end in [*down, *one_sided]) / 1e9, 3),
    )


def thinned(instants_ns: Iterable[int], step_ns: int) -> list[int]:
    """Return sorted instants without those that follow another within a step."""
    kept: list[int] = []
    for at_ns in instants_ns:
        if not kept or at_ns - kept[-1] >= step_ns:
            kept.append(at_ns)
    return kept


def _lives(events: Sequence[Event], end_ns: int) -> list[Interval]:
    """Return the spans from each first line of a process to its last."""
    lives: list[Interval] = []
    begin_ns = last_ns = None
    for event in events:
        if isinstance(event, ProcessStarted):
            if begin_ns is not None and last_ns is not None:
                lives.append((begin_ns, last_ns))
            begin_ns = event.at_ns
        last_ns = event.at_ns
        if isinstance(event, ProcessStopping) and begin_ns is not None:
            lives.append((begin_ns, last_ns))
            begin_ns = None
    if begin_ns is not None:
        lives.append((begin_ns, end_ns))
    return union((begin, min(end, end_ns)) for begin, end in lives)


def _busy(events: Sequence[Event], clock: Clock) -> list[Interval]:
    """Return the spans in which an attempt ran, short pauses closed."""
    running: dict[int, int] = {}
    spans: list[Interval] = []
    for event in events:
        if isinstance(event, Started):
            running[event.token] = event.at_ns
        elif isinstance(event, Finished | LeaseExpired) and event.token in running:
            spans.append((running.pop(event.token), event.at_ns + clock.step_ns))
    return [(begin, min(end, clock.end_ns)) for begin, end in union(spans) if begin < clock.end_ns]


def _lines(history: History, worker: str) -> dict[int, int]:
    """Return the line numbers of the events that notes refer to, by the event's identity."""
    journal = history.journals.get(worker)
    if journal is None:
        return {}
    pairs = zip(journal.events, journal.line_numbers, strict=True)
    return {id(event): line for event, line in pairs if isinstance(event, ConnectionLost | Connected)}


def outage_note(outage: Outage, lines: Mapping[int, int], clock: Clock) -> Note:
    """Return the note of an outage. `lines` has the line of an event in its journal, by its identity."""
    line = lines.get(id(outage.lost if outage.lost is not None else outage.back), 0)
    return Note(
        from_s=clock(outage.broken_ns),
        back_s=None if outage.back_ns is None else clock(outage.back_ns),
        how=outage.how,
        kind=outage.lost.kind if outage.lost else "",
        detail=outage.lost.detail[:120] if outage.lost else "",
        attempts=len(outage.attempts),
        parts_s=[
            None if length_s is None else round(length_s, 4)
            for length_s in (phase.length_s(outage) for phase in PHASES)
        ],
        outcome=outage.back.outcome if outage.back else "",
        where=f"{outage.worker}.jsonl:{line}" if line else "",
    )


def _band(window: FaultWindow, run: RunTimeline, index: dict[str, int], clock: Clock) -> Band:
    reached = [name for name in run.workers if window.reaches(name, run.workers)]
    aimed = list(window.targets) if any(target in index for target in window.targets) else reached
    # A fault on a container is on its links too, beside its own lane.
    aimed += filter(is_link, reached)
    return Band(
        fault=window.fault,
        kind=window.kind,
        from_s=clock(window.began_ns),
        to_s=clock(window.ended_ns if window.ended_ns is not None else clock.end_ns),
        proved=bool(window.receipt and window.receipt.proved),
        receipt=window.receipt.because if window.receipt else "no receipt",
        lanes=sorted({index[name] for name in aimed if name in index}),
    )
