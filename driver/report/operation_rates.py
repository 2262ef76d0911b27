"""Rates of what a system did around a fault, for the table of faults. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

from driver.histories.history import History
from driver.histories.run_timeline import run_timeline
from driver.histories.system_events import OK, Operation
from driver.metrics.faults import FaultEffect

Rates = tuple[float | None, float | None, float | None]
"""A second, before a fault, during it and after it; None where there is no such time."""
RatesOf = Callable[[History, FaultEffect], Rates]


def operation_rates(history: History, effect: FaultEffect) -> Rates:
    """Return the operations that were ok; before and after, up to as long as the fault lasted."""
    ended = history.view(_ok_ns)
    run, window = history.view(run_timeline), effect.window
    if not ended or window.ended_ns is None:
        return None, None, None
    length_ns = max(1_000_000_000, window.ended_ns - window.began_ns)
    before_ns, after_ns = window.due_ns - length_ns, window.ended_ns + length_ns
    quiet_ns = run.quiet_until_ns(window.ended_ns)
    return (
        _per_s(ended, max(before_ns, ended[0]), window.due_ns),
        _per_s(ended, window.began_ns, window.ended_ns),
        _per_s(ended, window.ended_ns, min(after_ns, quiet_ns, ended[-1])),
    )


def _ok_ns(history: History) -> list[int]:
    return sorted(one.return_ns for one in history.of(Operation) if one.outcome == OK)


def _per_s(instants_ns: list[int], from_ns: int, to_ns: int) -> float | None:
    if to_ns <= from_ns:
        return None
    return (bisect_left(instants_ns, to_ns) - bisect_left(instants_ns, from_ns)) / ((to_ns - from_ns) / 1e9)
