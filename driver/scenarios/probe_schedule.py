"""The prober's schedule: the windows in which it probes links at a higher rate. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from operator import itemgetter

from chaos.fault import Layer
from chaos.prober.probe_rate import (
    ProbeRate,
    ProbeWindow,
    rate_for_duration,
    spared_link_rate,
)
from chaos.targets import CORE
from driver.scenarios.plan import PlannedFault

WINDOW_FILE = "prober.watch"
# Before a fault the baseline is measured; after it, that its effect is over.
BEFORE_S = 4.0
AFTER_S = 6.0
_begin = itemgetter(0)


def windows_of(faults: Sequence[PlannedFault], links: Sequence[str], zero_ns: int) -> list[ProbeWindow]:
    """Return the windows of some faults in a lab with these links. Links that are no target are probed too,
    to show that they are unaffected.
    """
    every = list(links)
    spans = _Spans(faults)
    closer = []
    for fault in faults:
        reaches_all = any(target in CORE for target in fault.targets)
        span = _span(fault)
        from_ns, until_ns = (zero_ns + round(at_s * 1e9) for at_s in span)
        hit = every if reaches_all else list(fault.targets)
        closer.append(ProbeWindow(from_ns=from_ns, until_ns=until_ns, links=hit, rate=probe_rate(fault)))
        spared = [] if reaches_all else _spared(spans.targets_beside(*span), every)
        if spared and fault.build().layer is not Layer.container:
            rate = spared_link_rate(len(every))
            closer.append(ProbeWindow(from_ns=from_ns, until_ns=until_ns, links=spared, rate=rate))
    return closer


def _span(fault: PlannedFault) -> tuple[float, float]:
    """Return the window of a fault in which it is probed for, in seconds of the plan."""
    return fault.at_s - BEFORE_S, fault.end_s + AFTER_S


class _Spans:
    """The windows of a plan's faults, in order of time: a plan may have thousands."""

    def __init__(self, faults: Iterable[PlannedFault]) -> None:
        self._all = sorted(((*_span(fault), fault.targets) for fault in faults), key=_begin)
        self._longest_s = max((until_s - from_s for from_s, until_s, _ in self._all), default=0.0)

    def targets_beside(self, from_s: float, until_s: float) -> set[str]:
        """Return the targets of all faults whose window overlaps a span."""
        first = bisect_left(self._all, from_s - self._longest_s, key=_begin)
        end = bisect_left(self._all, until_s, key=_begin)
        return {
            target
            for _, other_until_s, targets in self._all[first:end]
            if from_s < other_until_s
            for target in targets
        }


def _spared(hit: set[str], every: list[str]) -> list[str]:
    """Return the links that no fault affects in the window."""
    return [] if hit & set(CORE) else [link for link in every if link not in hit]


def probe_rate(fault: PlannedFault) -> ProbeRate:
    """Return the rate for a fault: a short one needs more frequent probes."""
    return rate_for_duration(fault.build().probe_rate_for(fault.for_s), fault.for_s)
