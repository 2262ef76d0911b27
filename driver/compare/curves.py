"""One run's reconnect storm as two curves: attempts to connect, and the share of clients connected. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from driver.histories.history import History
from driver.histories.run_timeline import run_timeline
from driver.metrics.signals import SIGNALS, Steps

BINS = 240
BEFORE_S, AFTER_S = 3.0, 12.0


@dataclass(frozen=True)
class Curves:
    """`attempts_per_s` and `connected` (0 to 1), one value for each of BINS equal bins.

    `begin_s` and `end_s` are seconds of the run; `faults` has begin and end as parts of that span.
    """

    begin_s: float
    end_s: float
    attempts_per_s: list[float]
    connected: list[float]
    faults: list[tuple[float, float]]


def curves(history: History) -> Curves | None:
    """Return the curves from BEFORE_S before the first fault to AFTER_S after the last; None without any."""
    run = history.view(run_timeline)
    faults = [(window.began_ns, window.ended_ns or run.end_ns) for window in run.faults]
    begin_ns, end_ns = run.zero_ns, run.end_ns
    if faults:
        begin_ns = max(begin_ns, min(faults)[0] - round(BEFORE_S * 1e9))
        end_ns = min(end_ns, max(end for _, end in faults) + round(AFTER_S * 1e9))
    if end_ns <= begin_ns:
        return None
    span_ns = end_ns - begin_ns
    return Curves(
        begin_s=run.at_s(begin_ns),
        end_s=run.at_s(end_ns),
        attempts_per_s=binned(SIGNALS["attempts_per_s"].steps(history), begin_ns, end_ns, max),
        connected=binned(SIGNALS["connected"].steps(history), begin_ns, end_ns, min),
        faults=[((begin - begin_ns) / span_ns, (end - begin_ns) / span_ns) for begin, end in faults],
    )


def binned(steps: Steps, begin_ns: int, end_ns: int, pick: Callable[[float, float], float]) -> list[float]:
    """Return a signal in BINS equal bins, each the largest (`pick` max) or smallest (min) value in it."""
    width_ns = (end_ns - begin_ns) / BINS
    found: list[float] = []
    level = 0.0
    place = 0
    for number in range(BINS):
        until_ns = begin_ns + (number + 1) * width_ns
        while place < len(steps) and steps[place][0] < begin_ns + number * width_ns:
            level = steps[place][1]
            place += 1
        value = level
        while place < len(steps) and steps[place][0] < until_ns:
            level = steps[place][1]
            value = pick(value, level)
            place += 1
        found.append(value)
    return found
