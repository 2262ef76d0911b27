"""Signals: numbers over time, as in `within 15s of heal: connected >= 95% for 10s`."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

from driver.histories.connection_history import connection_histories
from driver.histories.history import DRIVER, History
from driver.histories.intervals import Interval
from driver.histories.journal_gaps import ALL_ROLES
from driver.histories.journal_kinds import OBSERVER
from driver.histories.readings import number_steps
from driver.histories.system_events import FAIL, OK, UNKNOWN, Operation
from driver.histories.work import completed_ns, waiting
from driver.metrics.metric import Unit
from wire.events import Connecting

Steps = list[tuple[int, float]]
_WINDOW_NS = 1_000_000_000


@dataclass(frozen=True)
class Signal:
    """A number over time. `steps` returns [(from_ns, value), …]: each value holds until the next instant.

    `broken_by` names controls that are tried first to show that a bound on it can be missed; `requires` are
    the journals that must be whole to prove that it was. `on_system`: a foreign system has it too.
    `of_operations`: it says something only while a load lasts. `observation` is the one that it is read of.
    """

    name: str
    unit: Unit
    formula: str
    steps: Callable[[History], Steps]
    broken_by: tuple[str, ...] = ()
    on_system: bool = False
    requires: tuple[str, ...] = ALL_ROLES
    of_operations: bool = False
    observation: str = ""


@dataclass(frozen=True)
class _ReadingSteps:
    """Returns the numbers of one observation; of an equal name it equals another one."""

    observation: str

    def __call__(self, history: History) -> Steps:
        return number_steps(history, self.observation)


def signal_of_readings(observation: str, unit: Unit) -> Signal:
    """Return an observation of a foreign system as a signal. A reading that failed is NaN, as is a time
    without readings: no comparison holds then, and none is broken.
    """
    formula = "the newest reading, until the next one"
    return Signal(
        observation,
        unit,
        formula,
        _ReadingSteps(observation),
        broken_by=("readings_bad",),
        on_system=True,
        requires=(DRIVER, OBSERVER),
        observation=observation,
    )


def is_unknown(value: float) -> bool:
    """Whether a signal's value is NaN: it was to be read, and is not known."""
    return value != value


def _connected(history: History) -> Steps:
    clients = list(history.view(connection_histories).values())
    edges = [edge for client in clients for edge in _edges(client.connected)]
    return _summed(edges, len(clients))


def _attempts_per_s(history: History) -> Steps:
    return _summed(_windows([event.at_ns for event in history.of(Connecting)]), 1)


def _completed_per_s(history: History) -> Steps:
    return _summed(_windows(history.view(completed_ns)), 1)


def _waiting(history: History) -> Steps:
    return [(at_ns, count) for at_ns, count in history.view(waiting)]


def _per_s(outcome: str) -> Callable[[History], Steps]:
    def steps(history: History) -> Steps:
        return _summed(_windows([one.return_ns for one in _ended(history, outcome)]), 1)

    return steps


def _share(outcome: str, empty: float) -> Callable[[History], Steps]:
    """Return the steps of the share that an outcome has of the operations that ended in the last second;
    `empty` where none ended.
    """

    def steps(history: History) -> Steps:
        every = dict(_summed(_windows([one.return_ns for one in history.of(Operation)]), 1))
        these = dict(_summed(_windows([one.return_ns for one in _ended(history, outcome)]), 1))
        part, found = 0.0, []
        for at_ns, whole in every.items():
            part = these.get(at_ns, part)
            found.append((at_ns, part / whole if whole else empty))
        return found

    return steps


def _ended(history: History, outcome: str) -> list[Operation]:
    return [one for one in history.of(Operation) if one.outcome == outcome]


SIGNALS: dict[str, Signal] = {
    signal.name: signal
    for signal in (
        Signal(
            "connected",
            Unit.ratio,
            "share of the clients that are connected by both sides' journals",
            _connected,
            ("reconnection_forgotten", "reconnection_late"),
            on_system=True,
        ),
        Signal(
            "attempts_per_s",
            Unit.per_second,
            "attempts to connect begun in the last second",
            _attempts_per_s,
            ("outage_claimed",),
            on_system=True,
        ),
        Signal(
            "completed_per_s",
            Unit.per_second,
            "tasks completed in the last second",
            _completed_per_s,
            ("result_forgotten",),
        ),
        Signal("waiting_tasks", Unit.count, "tasks that wait to be assigned", _waiting, ("totals_changed",)),
        Signal(
            "ok_per_s",
            Unit.per_second,
            "operations of loads acknowledged in the last second",
            _per_s(OK),
            ("operation_refused",),
            on_system=True,
            of_operations=True,
        ),
        Signal(
            "fail_per_s",
            Unit.per_second,
            "operations of loads that ended in the last second and certainly had no effect",
            _per_s(FAIL),
            ("operation_refused",),
            on_system=True,
            of_operations=True,
        ),
        Signal(
            "unknown_per_s",
            Unit.per_second,
            "operations of loads that ended in the last second and may have had an effect",
            _per_s(UNKNOWN),
            ("operation_refused",),
            on_system=True,
            of_operations=True,
        ),
        Signal(
            "ok_share",
            Unit.ratio,
            "share of the operations that ended in the last second and were acknowledged; 0 where none ended",
            _share(OK, 0.0),
            ("operation_refused",),
            on_system=True,
            of_operations=True,
        ),
        Signal(
            "unknown_share",
            Unit.ratio,
            "share of the operations that ended in the last second and may have had an effect; 1 where none "
            "ended",
            _share(UNKNOWN, 1.0),
            ("operation_refused",),
            on_system=True,
            of_operations=True,
        ),
    )
}


def good_stretches(steps: Steps, good: Callable[[float], bool], begin_ns: int, end_ns: int) -> list[Interval]:
    """Return the intervals of a span in which a signal's value is good; before its first step it is not."""
    stretches: list[Interval] = []
    since: int | None = None
    first = max(0, bisect_left(steps, (begin_ns, float("inf"))) - 1)
    for at_ns, value in steps[first:]:
        if at_ns >= end_ns:
            break
        if good(value):
            since = max(at_ns, begin_ns) if since is None else since
        elif since is not None:
            stretches.append((since, max(at_ns, begin_ns)))
            since = None
    if since is not None:
        stretches.append((since, end_ns))
    return [stretch for stretch in stretches if stretch[1] > stretch[0]]


def _edges(intervals: list[Interval]) -> list[tuple[int, int]]:
    return [edge for begin, end in intervals for edge in ((begin, 1), (end, -1))]


def _windows(instants_ns: list[int]) -> list[tuple[int, int]]:
    return [edge for at_ns in instants_ns for edge in ((at_ns, 1), (at_ns + _WINDOW_NS, -1))]


def _summed(edges: list[tuple[int, int]], whole: int) -> Steps:
    steps: Steps = [(0, 0.0)]
    level = 0
    for at_ns, change in sorted(edges):
        level += change
        if steps[-1][0] == at_ns:
            steps[-1] = (at_ns, level / whole)
        else:
            steps.append((at_ns, level / whole))
    return steps
