"""Faults that hit by chance: how often, with an interval, and which way. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chaos.directions import Direction
from chaos.evidence import Tally
from chaos.intervals import CONFIDENCE, rate_interval
from chaos.through import Sign

# A true rate of bytes may be this much off: bytes of a frame that died with its header are not compared.
TOLERANCE = 1.25
# Of messages more: a chunk may hold several of them, and a frame that is out of step takes others with it.
LOOSE = 3.0
# After so many hits that were due in a row, none came: with a true effect that is one case in a million.
ENOUGH = 14.0


def fits(hits: int, tries: int, asked: float, tolerance: float = TOLERANCE) -> bool:
    """Whether the interval of what was counted meets what was asked, give or take the tolerance."""
    low, high = rate_interval(hits, max(tries, hits))
    return low <= asked * tolerance and high >= asked / tolerance


def interval(hits: int, tries: int) -> str:
    """The interval in words."""
    low, high = rate_interval(hits, max(tries, hits))
    return f"{low:.2g} to {high:.2g} at {CONFIDENCE:.2%}"


def wrong_way(up: int, down: int, direction: Direction) -> str:
    """Which way the hits came when that is not the one asked, in words; "" where it is. One that was
    counted on the wrong side, as a connection ended, is none.
    """
    if direction is Direction.to_worker and up > 1 and up > down:
        return "they came on the way to the coordinator"
    if direction is Direction.to_coordinator and down > 1 and down > up:
        return "they came on the way to the worker"
    few, many = sorted((up, down))
    if direction is Direction.both and many >= ENOUGH and not few:
        return f"all of them came on the way to the {'coordinator' if up else 'worker'}"
    return ""


def probe_trouble(
    tallies: Sequence[Tally], ways: Callable[[Tally], tuple[int, int]], asked: float, direction: Direction
) -> str:
    """What is wrong with how many probes were hit, or with which way they were (`ways`: up and down), in
    words; "" when nothing is.
    """
    sent = sum(tally.sent for tally in tallies)
    up, down = (sum(counts) for counts in zip(*map(ways, tallies), strict=True)) if tallies else (0, 0)
    if sent and not fits(up + down, sent, asked, LOOSE):
        return f"{interval(up + down, sent)} of the probes, and {asked:.2g} was asked for"
    return wrong_way(up, down, direction)


def chance_signs(
    tallies: Sequence[Tally], tries: Callable[[Tally], int], hits: Callable[[Tally], int], asked: float
) -> list[Sign]:
    """Signs of an effect that hits each try with the probability `asked`."""
    signs: list[Sign] = []
    since_ns, due = None, 0.0
    for tally in tallies:
        if hits(tally):
            signs.append(Sign(tally.from_ns, tally.until_ns, there=True))
            since_ns, due = None, 0.0
            continue
        since_ns = tally.from_ns if since_ns is None else since_ns
        due += asked * tries(tally)
        if due >= ENOUGH:
            signs.append(Sign(since_ns, tally.until_ns, there=False))
    return signs


def reach_ns(tallies: Sequence[Tally], tries: Callable[[Tally], int], asked: float, least_ns: int) -> int:
    """How long such an effect may hit nothing by chance: the time in which ENOUGH hits are due."""
    span_ns = tallies[-1].until_ns - tallies[0].from_ns if tallies else 0
    due = asked * sum(tries(tally) for tally in tallies)
    return max(least_ns, round(span_ns * ENOUGH / max(due, 1e-9)) if due >= ENOUGH else span_ns + least_ns)
