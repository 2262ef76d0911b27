"""By how much bytes come later than before, each direction by itself, and whether they do so all the time.
Pure.

Both ends may read different clocks, so only differences to the same link's own time before count.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from chaos.directions import Direction
from chaos.evidence import Flow, LinkSeen, Trip, Window

MIN_SAMPLES = 3
# What a loaded machine adds to a round trip now and then, and a spared link may show without being hurt.
NOISE_MS = 30.0
_SPREADS = 8.0
# So many round trips in a row, over at least so long, are no hiccup of a machine.
_RUN = 4
_RUN_NS = 2_000_000_000
_SLOW_SHARE = 0.2
_SLOW_NS = 100_000_000
_SLOW_RUN = 3
_WAYS = {Direction.to_coordinator: "to the coordinator", Direction.to_worker: "to the worker"}


@dataclass(frozen=True)
class Late:
    """One sample: when, and by how much later than the link's own median before."""

    from_ns: int
    at_ns: int
    ms: float


def one_way(trip: Trip, half: Direction) -> float | None:
    """A round trip's part in one direction, by two clocks."""
    return trip.up_ms if half is Direction.to_coordinator else trip.down_ms


def lateness(seen: LinkSeen, half: Direction | None) -> list[Late]:
    """Each sample of one direction (None: of the round trip) against the median before; empty where there
    are too few before.
    """
    before = _values(seen.before, half)
    if len(before) < MIN_SAMPLES:
        return []
    usual = statistics.median(value for _, value in before)
    return [Late(trip.sent_ns, trip.at_ns, value - usual) for trip, value in _values(seen.during, half)]


def _values(window: Window, half: Direction | None) -> list[tuple[Trip, float]]:
    if half is None:
        return [(trip, trip.rtt_ms) for trip in window.trips]
    return [(trip, value) for trip in window.trips if (value := one_way(trip, half)) is not None]


def noise_ms(seen: LinkSeen, half: Direction | None) -> float:
    """How late a sample may be without anything being wrong: by the link's own spread before."""
    values = [value for _, value in _values(seen.before, half)]
    if len(values) < MIN_SAMPLES:
        return NOISE_MS
    middle = statistics.median(values)
    spread = statistics.median(abs(value - middle) for value in values)
    return max(NOISE_MS, _SPREADS * spread)


def slowness(seen: LinkSeen) -> str:
    """What made a link slower than before that should have been spared, in words; "" when nothing did.

    Round trips, each way, and throughput are held to the link's own measure before: a run of samples that are
    all late, not one.
    """
    for half in (*_WAYS, None):
        run = _late_run(lateness(seen, half), noise_ms(seen, half))
        if run:
            late_ms = statistics.median(one.ms for one in run)
            way = f" {_WAYS[half]}" if half is not None else " there and back"
            return (
                f"bytes{way} came {late_ms:.0f} ms later than before for {_length_s(run):.1f} s, "
                "and nobody asked for it"
            )
    for before, during, what in (
        (seen.before.flows, seen.during.flows, "echoes"),
        (seen.before.downs, seen.during.downs, "downloads"),
    ):
        if told := _slower(before, during, what):
            return told
    return ""


def _late_run(samples: Sequence[Late], noise: float) -> list[Late]:
    """The longest run of samples that are all later than noise, where it is long enough to count."""
    best: list[Late] = []
    run: list[Late] = []
    for one in samples:
        run = [*run, one] if one.ms > noise else []
        if len(run) > len(best):
            best = run
    return best if len(best) >= _RUN and best[-1].at_ns - best[0].from_ns >= _RUN_NS else []


def _length_s(run: Sequence[Late]) -> float:
    return (run[-1].at_ns - run[0].from_ns) / 1e9


def _slower(before: Sequence[Flow], during: Sequence[Flow], what: str) -> str:
    if not before:
        return ""
    usual = statistics.median(one.least_bytes_per_s for one in before)
    run: list[Flow] = []
    for one in during:
        slow = one.least_bytes_per_s < _SLOW_SHARE * usual and one.at_ns - one.from_ns > _SLOW_NS
        run = [*run, one] if slow else []
        if len(run) >= _SLOW_RUN:
            rate = statistics.median(flow.least_bytes_per_s for flow in run)
            return f"{what} came at {rate:.0f} B/s, before it at {usual:.0f} B/s, and nobody asked for it"
    return ""
