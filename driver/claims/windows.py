"""The times of a run in which a comparison must hold, and what was measured in them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from driver.histories.history import DRIVER, History, JournalRead
from driver.histories.intervals import FOREVER_NS, Interval, difference, intersection, union
from driver.histories.journal_kinds import LOAD
from driver.histories.readings import readings_by_name
from driver.histories.run_timeline import FaultWindow, run_timeline
from driver.histories.system_events import Operation
from driver.metrics.operations import under_load
from driver.metrics.signals import Signal

SECOND_NS = 1_000_000_000


@dataclass(frozen=True)
class Value:
    """A number that held at some instant, or through all, of a time. None: it was read and is unknown."""

    from_ns: int
    until_ns: int
    number: float | None
    because: str = ""


def whole_run(history: History) -> list[Interval]:
    """Return all of the time, of whatever was recorded."""
    return [(-FOREVER_NS, FOREVER_NS)]


def outside_faults(history: History) -> list[Interval]:
    """Return the time in which no fault was on. One without a recorded end lasts to the end."""
    on = union(_on(one) for one in history.view(run_timeline).faults)
    return difference(whole_run(history), on)


def during(history: History, fault: str) -> list[Interval]:
    """Return the times of the faults with this id or of this kind, one for each."""
    faults = history.view(run_timeline).faults
    return [
        (one.began_ns, FOREVER_NS if one.ended_ns is None else one.ended_ns)
        for one in faults
        if fault in (one.fault, one.kind)
    ]


def readings_in(history: History, name: str, windows: Sequence[Interval]) -> list[Value]:
    """Return the readings of an observation that were asked for and answered in one of the windows."""
    found = []
    for table in history.view(readings_by_name).get(name, []):
        if within(table.asked_ns, table.at_ns, windows):
            because = table.unknown or ("it is a table, and no number" if table.number is None else "")
            number = None if because else table.number
            found.append(Value(table.asked_ns, table.at_ns, number, because))
    return found


def signal_in(history: History, signal: Signal, windows: Sequence[Interval]) -> list[Value]:
    """Return the values of a signal in the windows, between the run's zero and its end; of one of operations
    while a load lasts.
    """
    run = history.view(run_timeline)
    if signal.of_operations:
        lasts = _load_lasts(history)
        windows = [part for one in windows for part in intersection([one], lasts)]
    steps = signal.steps(history)
    if not steps:
        return []
    ends = [at_ns for at_ns, _ in steps[1:]] + [run.end_ns]
    found = []
    for (from_ns, number), until_ns in zip(steps, ends, strict=True):
        for begin_ns, end_ns in windows:
            first, last = max(from_ns, begin_ns, run.zero_ns), min(until_ns, end_ns, run.end_ns)
            if first < last:
                found.append(Value(first, last, number))
    return found


def _load_lasts(history: History) -> list[Interval]:
    """Return the time of the loads: from a second after the first call, which a value is about, to the last
    due instant.
    """
    operations = history.view(under_load)
    if not operations:
        return []
    first_ns = min(one.call_ns for one in operations) + SECOND_NS
    return union([(first_ns, max(one.due_ns for one in operations))])


def operations_in(history: History, windows: Sequence[Interval], *, whole: bool) -> History:
    """Return a history that has the driver's events, and of all operations those that were called in one of
    the windows; with `whole`, that also ended in it.
    """
    kept = [
        one
        for one in history.of(Operation)
        if within(one.call_ns, one.return_ns if whole else one.call_ns, windows)
    ]
    journals = {LOAD: JournalRead.of(LOAD, kept)}
    if DRIVER in history.journals:
        journals[DRIVER] = history.journals[DRIVER]
    return History(journals)


def within(from_ns: int, until_ns: int, windows: Sequence[Interval]) -> bool:
    """Whether a time is in one of the windows."""
    return any(begin_ns <= from_ns and until_ns <= end_ns for begin_ns, end_ns in windows)


def _on(fault: FaultWindow) -> Interval:
    # A fault that is over at once still touches its instant.
    end_ns = FOREVER_NS if fault.ended_ns is None else fault.ended_ns
    return fault.due_ns, max(end_ns, fault.due_ns + 1)
