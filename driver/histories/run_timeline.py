"""A run's timeline: phases, faults, load and heals. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from driver.histories.events import (
    FaultBegun,
    FaultEnded,
    FaultFailed,
    Healed,
    LoadEndedEarly,
    PhaseBegun,
    PhaseEnded,
    Receipt,
    RunStarted,
)
from driver.histories.history import History
from driver.histories.intervals import Interval, union
from driver.histories.link_names import is_link, touches
from driver.histories.system_events import Operation
from driver.histories.work import REQUESTED

EARLY_EFFECT_NS = 500_000_000
"""A fault's effect can be recorded before the driver records its begin, by at most this."""

PROCESS_ENDING = ("kill", "stop", "restart", "memory")
"""Faults that can end a process, for journals without FaultBegun.changes."""


@dataclass(frozen=True)
class FaultWindow:
    """One fault as it happened. `ended_ns` is None where no event records its end.

    `due_ns` is when the driver began to apply it, `began_ns` when it was on all its targets: the effects of a
    slow stop lie between the two.
    """

    fault: str
    kind: str
    targets: tuple[str, ...]
    cuts: bool
    due_ns: int
    began_ns: int
    ended_ns: int | None
    changes: frozenset[str]
    begun: FaultBegun
    receipt: Receipt | None

    def reaches(self, client: str, clients: tuple[str, ...]) -> bool:
        """Whether it affects a client's connection, through its own link or container or a shared one.

        A link of a system is affected by a fault on a container at one of its ends.
        """
        shared = (target for target in self.targets if target not in clients)
        return client in self.targets or any(not is_link(client) or touches(client, one) for one in shared)


@dataclass(frozen=True)
class PhaseSpan:
    """One phase of the run. `ended_ns` is None where no event records its end."""

    name: str
    began_ns: int
    ended_ns: int | None
    outcome: str
    detail: str


@dataclass(frozen=True)
class RunTimeline:
    """A run's phases, faults and load. Connections are judged until `end_ns`, where the teardown begins.

    `zero_ns` is the run's zero: a fault `at: 10s` is due 10 s after it. What the lab does before is negative.
    Work that is due after `measured_until_ns` is not measured; None: all of it is. The load ended `early_s`
    before its planned end.
    """

    clients: tuple[str, ...]
    phases: dict[str, PhaseSpan]
    faults: tuple[FaultWindow, ...]
    failed: tuple[FaultFailed, ...]
    begin_ns: int
    zero_ns: int
    first_load_ns: int | None
    last_load_ns: int | None
    end_ns: int
    measured_until_ns: int | None = None
    early_s: float = 0.0

    def at_s(self, at_ns: int) -> float:
        """Return an instant in seconds from the run's zero."""
        return (at_ns - self.zero_ns) / 1e9

    @property
    def under_fault(self) -> list[Interval]:
        """The intervals in which at least one fault was on."""
        return union((window.due_ns, window.ended_ns or self.end_ns) for window in self.faults)

    @property
    def heals(self) -> list[int]:
        """The instants from which no fault was on, of those faults whose end is recorded."""
        ended = {window.ended_ns for window in self.faults if window.ended_ns is not None}
        return [end for _, end in self.under_fault if end in ended]

    @property
    def failed_phase(self) -> PhaseSpan | None:
        """The first phase that failed and says why; None where none did."""
        return next((one for one in self.phases.values() if one.outcome == "failed" and one.detail), None)

    @property
    def first_fault_ns(self) -> int | None:
        """When the first fault began; None without faults."""
        return min((window.due_ns for window in self.faults), default=None)

    def quiet_until_ns(self, at_ns: int) -> int:
        """Return the next fault's begin after an instant, or the end."""
        later = [window.due_ns for window in self.faults if window.due_ns > at_ns]
        return min([self.end_ns, *later])

    def faults_on(self, client: str) -> list[FaultWindow]:
        """Return the faults that affected a client's connection."""
        return [window for window in self.faults if window.reaches(client, self.clients)]


def run_timeline(history: History) -> RunTimeline:
    """Return the timeline of a history's run."""
    phases = _phases(history)
    zero_ns = _zero_ns(history, phases)
    load = [event.at_ns for event in history.merged(*REQUESTED, Operation)]
    return RunTimeline(
        clients=tuple(history.clients),
        phases=phases,
        faults=_faults(history),
        failed=tuple(history.of(FaultFailed)),
        begin_ns=history.begin_ns,
        zero_ns=zero_ns,
        first_load_ns=load[0] if load else None,
        last_load_ns=load[-1] if load else None,
        end_ns=_end_ns(history, phases),
        measured_until_ns=_measured_until_ns(history, zero_ns),
        early_s=sum(event.early_s for event in history.of(LoadEndedEarly)[:1]),
    )


def _measured_until_ns(history: History, zero_ns: int) -> int | None:
    started = history.of(RunStarted)
    measured_s = started[0].measured_s if started else None
    return None if measured_s is None else zero_ns + round(measured_s * 1e9)


def _phases(history: History) -> dict[str, PhaseSpan]:
    ends: dict[str, PhaseEnded] = {event.phase: event for event in history.of(PhaseEnded)}
    phases = {}
    for begun in history.of(PhaseBegun):
        end = ends.get(begun.phase)
        if end is None or end.at_ns < begun.at_ns:
            phases[begun.phase] = PhaseSpan(begun.phase, begun.at_ns, None, "", "")
        else:
            phases[begun.phase] = PhaseSpan(begun.phase, begun.at_ns, end.at_ns, end.outcome, end.detail)
    return phases


def _zero_ns(history: History, phases: dict[str, PhaseSpan]) -> int:
    zeros = [begun.zero_ns for begun in history.of(PhaseBegun) if begun.zero_ns]
    if zeros:
        # The last one: a late steady state moves all faults by as much.
        return zeros[-1]
    gate = phases.get("gate")
    return gate.began_ns if gate else history.begin_ns


def _end_ns(history: History, phases: dict[str, PhaseSpan]) -> int:
    drain, collect = phases.get("drain"), phases.get("collect")
    if drain and drain.ended_ns is not None:
        return drain.ended_ns
    if collect:
        return collect.began_ns
    return history.end_ns


def _faults(history: History) -> tuple[FaultWindow, ...]:
    receipts = {receipt.fault: receipt for receipt in history.of(Receipt)}
    ends = {end.fault: end.at_ns for end in history.of(FaultEnded) if not end.detail}
    heals = [healed.at_ns for healed in history.of(Healed) if not healed.left]
    windows = []
    for begun in history.of(FaultBegun):
        ended_ns = ends.get(begun.fault)
        if ended_ns is None:
            ended_ns = min((at for at in heals if at >= begun.at_ns), default=None)
        windows.append(fault_window(begun, ended_ns, receipts.get(begun.fault)))
    return tuple(windows)


def fault_window(begun: FaultBegun, ended_ns: int | None, receipt: Receipt | None) -> FaultWindow:
    """Return the window of the fault whose begin `begun` records."""
    began_ns = begun.at_ns - int(begun.spread_ms * 1e6)
    return FaultWindow(
        fault=begun.fault,
        kind=begun.kind,
        targets=tuple(begun.targets),
        cuts=begun.cuts,
        due_ns=min(begun.planned_ns, began_ns) or began_ns,
        began_ns=began_ns,
        ended_ns=ended_ns,
        changes=frozenset(
            begun.changes if begun.changes is not None else ("ended",) * (begun.kind in PROCESS_ENDING)
        ),
        begun=begun,
        receipt=receipt,
    )
