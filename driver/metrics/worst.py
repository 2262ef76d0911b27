"""The worst of what a metric sums up: the few outages or tasks that decide its value. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from driver.histories.connection_history import Outage, connection_histories
from driver.histories.history import History
from driver.histories.task_history import TaskHistory, task_index
from wire.events import Event

SHOWN = 2


@dataclass(frozen=True)
class Case:
    """One outage or task: whose it is, how long it took (seconds; None: it never ended), and its lines.

    `from_ns` is when it began.
    """

    whose: str
    what: str
    from_ns: int
    took_s: float | None
    events: tuple[Event, ...]


def worst_cases(history: History, metric: str) -> list[Case]:
    """Return the few cases that decide `metric`, the worst first, one of each worker or task.

    There are none where it sums up nothing single.
    """
    for stem, cases in _SOURCES:
        if metric.startswith(stem):
            return _longest(cases(history))
    return []


def longest_outages(history: History) -> list[Case]:
    """Return the longest outages of all workers, those that never ended first."""
    return _longest(_outages(history))


def _longest(cases: Iterable[Case]) -> list[Case]:
    def order(case: Case) -> tuple[bool, float, int]:
        return (case.took_s is not None, -(case.took_s or 0.0), case.from_ns)

    worst: dict[str, Case] = {}
    for case in sorted(cases, key=order):
        worst.setdefault(case.whose, case)
    return list(worst.values())[:SHOWN]


def _outages(history: History, measured: Callable[[Outage], float | None] | None = None) -> list[Case]:
    return [
        Case(
            outage.worker,
            "outage",
            outage.broken_ns,
            (measured or _total_s)(outage),
            tuple(event for event in (outage.lost, outage.back) if event is not None),
        )
        for connections in history.view(connection_histories).values()
        for outage in connections.outages
    ]


def _total_s(outage: Outage) -> float | None:
    return outage.total_s


def _tasks(history: History, only: Callable[[TaskHistory], bool] = lambda life: True) -> list[Case]:
    return [
        Case(
            life.task,
            "task",
            life.intended_ns,
            (life.result.at_ns - life.intended_ns) / 1e9 if life.result else None,
            tuple(
                event
                for event in (life.submitted, *life.assigned[:1], *life.lost[-1:], life.result)
                if event is not None
            ),
        )
        for life in history.view(task_index).accepted
        if only(life)
    ]


def _failed(life: TaskHistory) -> bool:
    return life.result is None or life.result.outcome != "completed"


def _of(measured: Callable[[Outage], float | None]) -> Callable[[History], list[Case]]:
    return lambda history: _outages(history, measured)


_SOURCES: tuple[tuple[str, Callable[[History], list[Case]]], ...] = (
    ("reconnection_time", _outages),
    ("detection_time", _of(lambda outage: outage.detection_s)),
    ("failed_attempts_time", _of(lambda outage: outage.failed_attempts_s)),
    ("handshake_time", _of(lambda outage: outage.handshake_s)),
    ("waiting_time", _of(lambda outage: sum(outage.asked_wait_ms) / 1e3)),
    ("attempts_per_reconnection", _of(lambda outage: float(len(outage.attempts)))),
    ("time_to_", _outages),
    ("not_reconnected", _outages),
    ("connected", _outages),
    ("task_latency", _tasks),
    ("task_success_rate", lambda history: _tasks(history, _failed)),
    ("tasks_failed", lambda history: _tasks(history, _failed)),
    ("tasks_lost", lambda history: _tasks(history, _failed)),
)
"""The first stem that a metric's or a signal's name begins with says what it sums up."""
