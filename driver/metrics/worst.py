"""The outages or units of work that decide a metric's value. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from driver.histories.connection_history import LOSS, Outage, connection_histories
from driver.histories.history import History
from driver.histories.work import NOUN, WorkUnit, work_units
from wire.events import Event

SHOWN = 2


@dataclass(frozen=True)
class WorstCase:
    """One outage or unit of work: its client or name, its begin, seconds (None: it never ended), events.

    Where `attempts` is set, that many attempts decide, and not how long it took.
    """

    subject: str
    what: str
    from_ns: int
    took_s: float | None
    events: tuple[Event, ...]
    attempts: int | None = None


def worst_cases(history: History, metric: str) -> list[WorstCase]:
    """Return the few cases that decide `metric`, the worst first, at most one of each client or unit.

    None for a metric that is no summary of outages or work.
    """
    for stem, cases in _SOURCES:
        if metric.startswith(stem):
            return _longest(cases(history))
    return []


def longest_outages(history: History) -> list[WorstCase]:
    """Return the longest outages of all clients, those that never ended first."""
    return _longest(_outages(history))


def _longest(cases: Iterable[WorstCase]) -> list[WorstCase]:
    def order(case: WorstCase) -> tuple[bool, float, int]:
        if case.attempts is not None:
            return (False, -case.attempts, case.from_ns)
        return (case.took_s is not None, -(case.took_s or 0.0), case.from_ns)

    worst: dict[str, WorstCase] = {}
    for case in sorted(cases, key=order):
        worst.setdefault(case.subject, case)
    return list(worst.values())[:SHOWN]


def _all(history: History) -> list[Outage]:
    histories = history.view(connection_histories).values()
    return [outage for connections in histories for outage in connections.outages]


def _after_loss(history: History) -> list[Outage]:
    """Return the outages that the times of reconnections measure: of a process that did not restart."""
    return [outage for outage in _all(history) if outage.how == LOSS and outage.back is not None]


def _case(outage: Outage, took_s: float | None, attempts: int | None = None) -> WorstCase:
    events = tuple(event for event in (outage.lost, outage.back) if event is not None)
    return WorstCase(outage.client, "outage", outage.broken_ns, took_s, events, attempts)


def _outages(history: History) -> list[WorstCase]:
    return [_case(outage, outage.total_s) for outage in _all(history)]


def _units(history: History, only: Callable[[WorkUnit], bool] = lambda unit: True) -> list[WorstCase]:
    return [
        WorstCase(
            unit.name,
            NOUN,
            unit.start_ns,
            None if unit.done_ns is None else (unit.done_ns - unit.start_ns) / 1e9,
            unit.events,
        )
        for unit in history.view(work_units)
        if only(unit)
    ]


def _failed(unit: WorkUnit) -> bool:
    return not unit.completed


def _by_attempts(history: History) -> list[WorstCase]:
    return [_case(one, one.total_s, len(one.attempts)) for one in _after_loss(history)]


def _of(measured: Callable[[Outage], float | None]) -> Callable[[History], list[WorstCase]]:
    return lambda history: [_case(one, measured(one)) for one in _after_loss(history)]


_SOURCES: tuple[tuple[str, Callable[[History], list[WorstCase]]], ...] = (
    ("reconnection_time", _of(lambda outage: outage.total_s)),
    ("detection_time", _of(lambda outage: outage.detection_s)),
    ("failed_attempts_time", _of(lambda outage: outage.failed_attempts_s)),
    ("handshake_time", _of(lambda outage: outage.handshake_s)),
    ("waiting_time", _of(lambda outage: outage.waiting_s)),
    ("attempts_per_reconnection", _by_attempts),
    ("time_to_", _outages),
    ("not_reconnected", _outages),
    ("connected", _outages),
    ("task_latency", _units),
    ("task_success_rate", lambda history: _units(history, _failed)),
    ("tasks_failed", lambda history: _units(history, _failed)),
    ("tasks_lost", lambda history: _units(history, _failed)),
)
"""The first stem that begins a metric's or signal's name selects its cases."""
