"""Faults: the rate of completed work before, during and after each, and the time to recover."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from driver.histories.history import History
from driver.histories.run_timeline import FaultWindow, RunTimeline, run_timeline
from driver.histories.work import completed_ns, waiting
from driver.metrics.metric import Better, Metric, MetricFamily, Unit, Values
from driver.metrics.storm import storms

METRICS = (
    Metric("faults_begun", Unit.count, Better.neither, "faults that the driver started"),
    Metric("faults_proved", Unit.count, Better.higher, "faults with a receipt that proves them"),
    Metric(
        "fault_time_ratio",
        Unit.ratio,
        Better.neither,
        "share of the time from the first fault's begin to the drain's end in which a fault was on",
    ),
    Metric(
        "recovery_time_mean_s",
        Unit.seconds,
        Better.lower,
        "mean over faults of: from a fault's end until all clients that it disconnected are back and no more "
        "tasks wait than before it; unknown when one fault's recovery lasts until the next fault or the end",
    ),
    Metric(
        "recovery_time_max_s",
        Unit.seconds,
        Better.lower,
        "longest recovery time of a fault (recovery_time_mean_s)",
    ),
)

_SPAN_NS = 10_000_000_000


@dataclass(frozen=True)
class FaultEffect:
    """Units of work completed per second before, during and after one fault; None for a span of no length.

    `recovery_s` is None where recovery lasts until the next fault or the end.
    """

    window: FaultWindow
    before_per_s: float | None
    during_per_s: float | None
    after_per_s: float | None
    clients_cut: int
    recovery_s: float | None


def effects(history: History) -> list[FaultEffect]:
    """Return every fault's effect: at most 10 s before it, its own window, and at most 10 s after it."""
    run = history.view(run_timeline)
    gauge = _Gauge(history)
    found = []
    for storm in history.view(storms):
        window = storm.window
        ended_ns = window.ended_ns if window.ended_ns is not None else run.end_ns
        quiet_ns = run.quiet_until_ns(ended_ns)
        found.append(
            FaultEffect(
                window=window,
                before_per_s=gauge.completed_per_s(_quiet_since(run, window.began_ns), window.began_ns),
                during_per_s=gauge.completed_per_s(window.began_ns, ended_ns),
                after_per_s=gauge.completed_per_s(ended_ns, min(quiet_ns, ended_ns + _SPAN_NS)),
                clients_cut=len(storm.clients),
                recovery_s=_recovery_s(
                    storm.back_after_heal_s(1.0) if storm.outages else 0.0, gauge, window, quiet_ns
                ),
            )
        )
    return found


def measure(history: History) -> Values:
    """Return the values of METRICS."""
    run = history.view(run_timeline)
    recoveries = [effect.recovery_s for effect in history.view(effects)]
    known = [recovery for recovery in recoveries if recovery is not None]
    complete = bool(known) and len(known) == len(recoveries)
    under_ns = sum(end - begin for begin, end in run.under_fault)
    since_ns = run.end_ns - run.first_fault_ns if run.first_fault_ns is not None else 0
    return {
        "faults_begun": len(run.faults),
        "faults_proved": sum(1 for window in run.faults if window.receipt and window.receipt.proved),
        "fault_time_ratio": min(1.0, under_ns / since_ns) if since_ns > 0 else None,
        "recovery_time_mean_s": sum(known) / len(known) if complete else None,
        "recovery_time_max_s": max(known) if complete else None,
    }


class _Gauge:
    """Computes rates of completed work over any span, and how much waits, from lists sorted once."""

    def __init__(self, history: History) -> None:
        self._done = history.view(completed_ns)
        self._waiting = history.view(waiting)

    def completed_per_s(self, begin_ns: int, end_ns: int) -> float | None:
        if end_ns <= begin_ns:
            return None
        done = bisect_left(self._done, end_ns) - bisect_left(self._done, begin_ns)
        return done * 1e9 / (end_ns - begin_ns)

    def waiting_at(self, at_ns: int) -> int:
        """Return how many units waited at an instant, by the last record before it."""
        index = bisect_right(self._waiting, at_ns, key=lambda step: step[0])
        return self._waiting[index - 1][1] if index else 0

    def waiting_down_ns(self, level: int, from_ns: int) -> int | None:
        """Return the first instant from which at most `level` units wait; None where there is none."""
        if self.waiting_at(from_ns) <= level:
            return from_ns
        later = bisect_right(self._waiting, from_ns, key=lambda step: step[0])
        return next((at_ns for at_ns, count in self._waiting[later:] if count <= level), None)


def _quiet_since(run: RunTimeline, at_ns: int) -> int:
    # The second half of the time since the last fault: in the first half the system still recovers.
    earlier = [(end + at_ns) // 2 for _, end in run.under_fault if end <= at_ns]
    begin_ns = run.first_load_ns if run.first_load_ns is not None else run.begin_ns
    return min(at_ns, max([at_ns - _SPAN_NS, begin_ns, *earlier]))


def _recovery_s(back_s: float | None, gauge: _Gauge, window: FaultWindow, quiet_ns: int) -> float | None:
    if back_s is None or window.ended_ns is None:
        return None
    down_ns = gauge.waiting_down_ns(gauge.waiting_at(window.began_ns), window.ended_ns)
    if down_ns is None or down_ns > quiet_ns:
        return None
    return max(back_s, (down_ns - window.ended_ns) / 1e9)


BROKEN_BY = {
    "faults_proved": ("receipt_forgotten",),
    "fault": ("fault_claimed", "events_forgotten"),
    "recovery": ("reconnection_late",),
}
FAMILY = MetricFamily("Faults", METRICS, measure, rank=60, broken_by=BROKEN_BY, on_system=True)
