"""The monotonic clock of a host, as another clock reads it: an offset, with an error bound. Pure.

A reading is a round trip: asked at `asked_ns`, answered at `answered_ns`, both by the reading clock, and
between the two the host's clock was at `host_ns`. So a reading bounds the offset to half its round trip, as
in NTP (RFC 5905, section 8), and the bound of each instant is that of the best readings around it, plus the
drift since: every reading bounds every instant, and the narrowest bound counts, which is what a filter of the
shortest round trips approximates.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from operator import itemgetter
from typing import NamedTuple

DRIFT_PPM = 1000
"""By how much one clock can run faster than another: the kernel corrects a clock's rate by up to 500 parts in
a million (adjtimex(2)), in either direction, on either host.
"""
_PPM = 1_000_000
_host_ns = itemgetter(0)


class ClockReading(NamedTuple):
    """One round trip to a host's clock. Nanoseconds."""

    asked_ns: int
    host_ns: int
    answered_ns: int


class Estimate(Enum):
    """Which of the instants that the readings allow: the middle one, the earliest, or the latest."""

    nominal = "nominal"
    earliest = "earliest"
    latest = "latest"


@dataclass(frozen=True)
class ClockJump:
    """Two readings that no clock explains that drifts by DRIFT_PPM at most: it jumped by about `by_ns`."""

    after_ns: int
    before_ns: int
    by_ns: int


class _Span(NamedTuple):
    """The bounds at the readings between two jumps: (host_ns, earliest, latest), by host_ns."""

    knots: list[tuple[int, int, int]]


class HostClock:
    """Converts instants of a host's clock into the clock that read it.

    `readings` are in the order in which they were made; there is at least one. Earliest and latest are
    increasing functions of the host's instant, so that events of one host keep their order.
    """

    def __init__(self, readings: Sequence[ClockReading], drift_ppm: int = DRIFT_PPM) -> None:
        assert readings, "a clock that was never read has no offset"
        assert 0 <= drift_ppm < _PPM
        assert all(one.asked_ns <= one.answered_ns for one in readings), "an answer precedes its question"
        self._slow, self._fast = _PPM - drift_ppm, _PPM + drift_ppm
        self.jumps: list[ClockJump] = []
        self._spans = [self._narrowed(span) for span in self._consistent(readings)]
        self._begins = [span.knots[0][0] for span in self._spans]

    def estimate(self, host_ns: int, which: Estimate = Estimate.nominal) -> int:
        """Return when the host's clock was at `host_ns`."""
        earliest, latest = self._bounds(host_ns)
        if which is Estimate.earliest:
            return earliest
        return latest if which is Estimate.latest else (earliest + latest) // 2

    def bound_ns(self, host_ns: int) -> int:
        """Return the largest error of the nominal instant."""
        earliest, latest = self._bounds(host_ns)
        return (latest - earliest + 1) // 2

    def worst_bound_ns(self, from_ns: int, until_ns: int) -> int:
        """Return the largest `bound_ns` of a time, whose two instants are of the reading clock.

        It is looked for at the readings, halfway between two, and at both instants.
        """
        knots = [knot[0] for span in self._spans for knot in span.knots]
        first = min(knots[0], knots[0] + from_ns - self.estimate(knots[0]))
        last = max(knots[-1], knots[-1] + until_ns - self.estimate(knots[-1]))
        instants = [first, *knots, last]
        middles = [(one + other) // 2 for one, other in pairwise(instants)]
        return max(self.bound_ns(at_ns) for at_ns in (*instants, *middles))

    def _bounds(self, host_ns: int) -> tuple[int, int]:
        span = self._spans[max(0, bisect_right(self._begins, host_ns) - 1)].knots
        after = bisect_right(span, host_ns, key=_host_ns)
        bounds = []
        if after:
            at_ns, earliest, latest = span[after - 1]
            bounds.append((earliest + self._least(host_ns - at_ns), latest + self._most(host_ns - at_ns)))
        if after < len(span):
            at_ns, earliest, latest = span[after]
            bounds.append((earliest - self._most(at_ns - host_ns), latest - self._least(at_ns - host_ns)))
        return max(bound[0] for bound in bounds), min(bound[1] for bound in bounds)

    def _least(self, host_ns: int) -> int:
        """Return the shortest time in which the host's clock advances by so much; rounded away from
        certainty.
        """
        return host_ns * self._slow // _PPM

    def _most(self, host_ns: int) -> int:
        return -(-host_ns * self._fast // _PPM)

    def _consistent(self, readings: Sequence[ClockReading]) -> list[list[tuple[int, int, int]]]:
        """Return the readings in parts, each of which one clock explains, with the bounds of earlier
        readings.
        """
        parts: list[list[tuple[int, int, int]]] = []
        for one in readings:
            if parts:
                at_ns, earliest, latest = parts[-1][-1]
                low = max(one.asked_ns, earliest + self._least(one.host_ns - at_ns))
                high = min(one.answered_ns, latest + self._most(one.host_ns - at_ns))
                if one.host_ns >= at_ns and low <= high:
                    parts[-1].append((one.host_ns, low, high))
                    continue
                expected_ns = (earliest + latest) // 2 + one.host_ns - at_ns
                by_ns = expected_ns - (one.asked_ns + one.answered_ns) // 2
                self.jumps.append(ClockJump((earliest + latest) // 2, one.answered_ns, by_ns))
            parts.append([(one.host_ns, one.asked_ns, one.answered_ns)])
        return sorted(parts)

    def _narrowed(self, knots: list[tuple[int, int, int]]) -> _Span:
        """Return knots with the bounds of later readings too."""
        narrow = [knots[-1]]
        for host_ns, earliest, latest in reversed(knots[:-1]):
            later_ns, low, high = narrow[-1]
            narrow.append(
                (
                    host_ns,
                    max(earliest, low - self._most(later_ns - host_ns)),
                    min(latest, high - self._least(later_ns - host_ns)),
                )
            )
        return _Span(narrow[::-1])
