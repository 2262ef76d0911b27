"""The timeline's lanes: for each client its connections, its outages and their causes, its work. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from driver.histories.connection_history import Outage
from driver.histories.history import History
from driver.histories.link_names import is_link
from driver.histories.outage_phases import PHASES
from driver.histories.run_timeline import FaultWindow, RunTimeline, run_timeline

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

    `states` are (from, to, state); `attempts` begin at those seconds; `busy` is when it worked.
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


def timeline(history: History, lanes_of: LanesOf) -> Timeline:
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


def thinned(instants_ns: Iterable[int], step_ns: int) -> list[int]:
    """Return sorted instants without those that follow another within a step."""
    kept: list[int] = []
    for at_ns in instants_ns:
        if not kept or at_ns - kept[-1] >= step_ns:
            kept.append(at_ns)
    return kept


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
        where=f"{outage.client}.jsonl:{line}" if line else "",
    )


def _band(window: FaultWindow, run: RunTimeline, index: dict[str, int], clock: Clock) -> Band:
    reached = [name for name in run.clients if window.reaches(name, run.clients)]
    aimed = list(window.targets) if any(target in index for target in window.targets) else reached
    # A fault on a container is on its links too, beside its own lane.
    aimed = [*aimed, *filter(is_link, reached)]
    return Band(
        fault=window.fault,
        kind=window.kind,
        from_s=clock(window.began_ns),
        to_s=clock(window.ended_ns if window.ended_ns is not None else clock.end_ns),
        proved=bool(window.receipt and window.receipt.proved),
        receipt=window.receipt.because if window.receipt else "no receipt",
        lanes=sorted({index[name] for name in aimed if name in index}),
    )
