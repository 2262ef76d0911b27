"""By how much bytes are later than before the fault, in each direction, and whether throughout. Pure.

The two ends may read different clocks, so only differences to the same link's values before the fault are
used.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from chaos.directions import Direction
from chaos.evidence import LinkEvidence, LinkWindow, RoundTrip, ThroughputSample

MIN_SAMPLES = 3
# A loaded machine sometimes adds this much to a round trip.
NOISE_MS = 30.0
_SPREADS = 8.0
# This many late round trips in a row, over at least this long, are not a hiccup of the machine.
_RUN = 4
_RUN_NS = 2_000_000_000
_SLOW_SHARE = 0.2
_SLOW_NS = 100_000_000
_SLOW_RUN = 3
_HALVES = (Direction.to_server, Direction.to_client)


@dataclass(frozen=True)
class Delay:
    """One sample: its time, and by how much it is later than the link's median before the fault."""

    from_ns: int
    at_ns: int
    ms: float


@dataclass(frozen=True)
class Slowness:
    """By how much a link was slower than before, as text, and from its first late sample to its last."""

    words: str
    from_ns: int
    until_ns: int


def one_way_ms(trip: RoundTrip, half: Direction) -> float | None:
    """Return a round trip's part in one direction, by two clocks."""
    return trip.up_ms if half is Direction.to_server else trip.down_ms


def delays(seen: LinkEvidence, half: Direction | None) -> list[Delay]:
    """Return each sample of one direction (None: the round trip) against the median before; empty for
    too few samples.
    """
    before = _values(seen.before, half)
    if len(before) < MIN_SAMPLES:
        return []
    usual = statistics.median(value for _, value in before)
    return [Delay(trip.sent_ns, trip.at_ns, value - usual) for trip, value in _values(seen.during, half)]


def _values(window: LinkWindow, half: Direction | None) -> list[tuple[RoundTrip, float]]:
    if half is None:
        return [(trip, trip.rtt_ms) for trip in window.trips]
    return [(trip, value) for trip in window.trips if (value := one_way_ms(trip, half)) is not None]


def noise_ms(seen: LinkEvidence, half: Direction | None) -> float:
    """Return the usual delay of a sample, from the link's own spread before the fault."""
    values = [value for _, value in _values(seen.before, half)]
    if len(values) < MIN_SAMPLES:
        return NOISE_MS
    middle = statistics.median(values)
    spread = statistics.median(abs(value - middle) for value in values)
    return max(NOISE_MS, _SPREADS * spread)


def unexplained_slowness(seen: LinkEvidence) -> Slowness | None:
    """Return by how much a spared link was slower than before; None where it was not.

    Round trips, each direction and throughput are compared with the link's own values before the fault: a run
    of late samples counts, not one.
    """
    for half in (*_HALVES, None):
        run = _late_run(delays(seen, half), noise_ms(seen, half))
        if run:
            late_ms = statistics.median(one.ms for one in run)
            way = f" {seen.ends.way(half)}" if half is not None else " there and back"
            words = (
                f"bytes{way} came {late_ms:.0f} ms later than before for {_length_s(run):.1f} s, "
                "and no fault asks for it"
            )
            return Slowness(words, run[0].from_ns, run[-1].at_ns)
    for before, during, what in (
        (seen.before.flows, seen.during.flows, "echoes"),
        (seen.before.downs, seen.during.downs, "downloads"),
    ):
        if slower := _slower(before, during, what):
            return slower
    return None


def at_once(found: Sequence[Slowness]) -> bool:
    """Return whether there was an instant at which all of these links were slow."""
    return bool(found) and max(one.from_ns for one in found) < min(one.until_ns for one in found)


def _late_run(samples: Sequence[Delay], noise: float) -> list[Delay]:
    """Return the longest run of samples later than `noise`, where it is long enough; else an empty list."""
    best: list[Delay] = []
    run: list[Delay] = []
    for one in samples:
        run = [*run, one] if one.ms > noise else []
        if len(run) > len(best):
            best = run
    return best if len(best) >= _RUN and best[-1].at_ns - best[0].from_ns >= _RUN_NS else []


def _length_s(run: Sequence[Delay]) -> float:
    return (run[-1].at_ns - run[0].from_ns) / 1e9


def _slower(
    before: Sequence[ThroughputSample], during: Sequence[ThroughputSample], what: str
) -> Slowness | None:
    if not before:
        return None
    usual = statistics.median(one.least_bytes_per_s for one in before)
    run: list[ThroughputSample] = []
    for one in during:
        slow = one.least_bytes_per_s < _SLOW_SHARE * usual and one.at_ns - one.from_ns > _SLOW_NS
        run = [*run, one] if slow else []
        if len(run) >= _SLOW_RUN:
            rate = statistics.median(flow.least_bytes_per_s for flow in run)
            words = f"{what} came at {rate:.0f} B/s, before it at {usual:.0f} B/s, and no fault asks for it"
            return Slowness(words, run[0].from_ns, run[-1].at_ns)
    return None
