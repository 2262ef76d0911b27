"""The reconnect storm after a fault: the rate of attempts, and the time until the clients are back."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from driver.histories.connection_history import Outage, connection_histories
from driver.histories.history import History
from driver.histories.run_timeline import EARLY_EFFECT_NS, FaultWindow, run_timeline
from driver.metrics.metric import Better, Metric, MetricFamily, Unit, Values, ratio

_LOWER = Better.lower
_BUSIEST_NS = 100_000_000
_SECOND_NS = 1_000_000_000

METRICS = (
    Metric(
        "storm_peak_attempts_per_s",
        Unit.per_second,
        _LOWER,
        "most attempts to connect in any one second after a loss, of all clients",
    ),
    Metric(
        "storm_busiest_100ms_ratio",
        Unit.ratio,
        _LOWER,
        "share of one fault's attempts that fell into its busiest 100 ms, of the worst fault",
    ),
    Metric(
        "storm_amplification",
        Unit.factor,
        _LOWER,
        "attempts ÷ clients that lost their connection, from a fault's begin until the next one's, of the "
        "worst fault",
    ),
    Metric(
        "time_to_50_percent_back_s",
        Unit.seconds,
        _LOWER,
        "from a heal until half of the clients that lost their connection are back; the worst heal; unknown "
        "if they never are",
    ),
    Metric(
        "time_to_95_percent_back_s",
        Unit.seconds,
        _LOWER,
        "from a heal until 95 % of the clients that lost their connection are back; the worst heal",
    ),
    Metric(
        "time_to_all_back_s",
        Unit.seconds,
        _LOWER,
        "from a heal until all clients that lost their connection are back; the worst heal",
    ),
)


@dataclass(frozen=True)
class ReconnectStorm:
    """One fault's outages, until the next fault begins, and when their attempts began (sorted)."""

    window: FaultWindow
    outages: list[Outage]
    attempts_ns: list[int]

    @property
    def clients(self) -> set[str]:
        """The clients that lost their connection."""
        return {outage.client for outage in self.outages}

    def back_after_heal_s(self, share: float) -> float | None:
        """Return the seconds from the fault's end until `share` of its clients were back; None: never."""
        if self.window.ended_ns is None or not self.outages:
            return None
        last_back = {outage.client: outage.back_ns for outage in self.outages}
        back = sorted(math.inf if at_ns is None else at_ns for at_ns in last_back.values())
        at_ns = back[math.ceil(len(back) * share) - 1]
        return None if at_ns == math.inf else max(0.0, (at_ns - self.window.ended_ns) / 1e9)


def storms(history: History) -> list[ReconnectStorm]:
    """Return one storm for each fault; an outage belongs to the last fault on its client before the break."""
    run = history.view(run_timeline)
    windows = sorted(run.faults, key=lambda window: window.due_ns)
    begins = [window.due_ns for window in windows]
    outages: list[list[Outage]] = [[] for _ in windows]
    for connections in history.view(connection_histories).values():
        for outage in connections.outages:
            index = bisect_right(begins, outage.broken_ns + EARLY_EFFECT_NS) - 1
            while index >= 0 and not windows[index].reaches(outage.client, run.clients):
                index -= 1
            if index >= 0:
                outages[index].append(outage)
    return [
        ReconnectStorm(
            window, found, sorted(attempt.began.at_ns for outage in found for attempt in outage.attempts)
        )
        for window, found in zip(windows, outages, strict=True)
    ]


def measure(history: History) -> Values:
    """Return the values of METRICS."""
    hit = [storm for storm in history.view(storms) if storm.outages]
    attempts = sorted(
        attempt.began.at_ns
        for connections in history.view(connection_histories).values()
        for outage in connections.outages
        for attempt in outage.attempts
    )
    return {
        "storm_peak_attempts_per_s": busiest(attempts, _SECOND_NS) if attempts else None,
        "storm_busiest_100ms_ratio": _worst(
            [
                ratio(busiest(storm.attempts_ns, _BUSIEST_NS), len(storm.attempts_ns))
                for storm in hit
                if storm.attempts_ns
            ]
        ),
        "storm_amplification": _worst([ratio(len(storm.attempts_ns), len(storm.clients)) for storm in hit]),
        "time_to_50_percent_back_s": _worst([storm.back_after_heal_s(0.50) for storm in hit]),
        "time_to_95_percent_back_s": _worst([storm.back_after_heal_s(0.95) for storm in hit]),
        "time_to_all_back_s": _worst([storm.back_after_heal_s(1.0) for storm in hit]),
    }


def all_are_back(history: History, name: str) -> bool:
    """Return whether no outage of a fault lasts any longer: then no storm goes on."""
    every = [outage for storm in history.view(storms) for outage in storm.outages]
    return all(outage.back_ns is not None for outage in every)


def busiest(instants_ns: list[int], span_ns: int) -> int:
    """Return the largest number of sorted instants within any span of `span_ns`."""
    return max(
        (i - bisect_left(instants_ns, at_ns - span_ns + 1) + 1 for i, at_ns in enumerate(instants_ns)),
        default=0,
    )


def _worst(numbers: list[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return max(known) if known and len(known) == len(numbers) else None


BROKEN_BY = {"time_to": ("reconnection_late",), "storm": ("outage_claimed",)}
FAMILY = MetricFamily(
    "Storm", METRICS, measure, rank=50, broken_by=BROKEN_BY, on_system=True, decided=all_are_back
)
