"""Faults with a random effect on each byte or message: their rate, with an interval, and their
direction. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chaos.coverage import EffectSample
from chaos.directions import Direction, LinkEnds
from chaos.evidence import LinkEvidence, ProbeCounts
from chaos.intervals import CONFIDENCE, rate_interval

# The tolerance of a rate of bytes: bytes of a frame whose header was damaged are not compared.
TOLERANCE = 1.25
# The tolerance of a rate of messages: a chunk may hold several, and a broken frame takes others with it.
MESSAGE_TOLERANCE = 3.0
# With a real effect, the probability of no hit where this many are due is one in a million.
MIN_HITS_DUE = 14.0


def rate_fits(hits: int, tries: int, asked: float, tolerance: float = TOLERANCE) -> bool:
    """Return whether the interval of the counted rate meets the rate asked for, within the tolerance."""
    low, high = rate_interval(hits, max(tries, hits))
    return low <= asked * tolerance and high >= asked / tolerance


def interval_text(hits: int, tries: int) -> str:
    """Return the interval as text."""
    low, high = rate_interval(hits, max(tries, hits))
    return f"{low:.2g} to {high:.2g} at {CONFIDENCE:.2%}"


def wrong_direction(up: int, down: int, direction: Direction, ends: LinkEnds) -> str:
    """Return the direction of the hits, as text, where it is not the one asked for; "" where it is. A single
    hit in the wrong direction, as can be counted at a connection's end, is ignored.
    """
    if direction is Direction.to_client and up > 1 and up > down:
        return f"they came on the way {ends.way(Direction.to_server)}"
    if direction is Direction.to_server and down > 1 and down > up:
        return f"they came on the way {ends.way(Direction.to_client)}"
    few, many = sorted((up, down))
    if direction is Direction.both and many >= MIN_HITS_DUE and not few:
        half = Direction.to_server if up else Direction.to_client
        return f"all of them came on the way {ends.way(half)}"
    return ""


def probe_mismatch(
    seen: LinkEvidence,
    ways: Callable[[ProbeCounts], tuple[int, int]],
    asked: float,
    direction: Direction,
) -> str:
    """Return how the number of hit probes, or their direction (`ways`: up and down), differs from what was
    asked for, as text; "" where neither does.
    """
    tallies = seen.during.tallies
    sent = sum(tally.sent for tally in tallies)
    up, down = (sum(counts) for counts in zip(*map(ways, tallies), strict=True)) if tallies else (0, 0)
    if sent and not rate_fits(up + down, sent, asked, MESSAGE_TOLERANCE):
        return f"{interval_text(up + down, sent)} of the probes, and {asked:.2g} was asked for"
    return wrong_direction(up, down, direction, seen.ends)


def random_effect_samples(
    tallies: Sequence[ProbeCounts],
    tries: Callable[[ProbeCounts], int],
    hits: Callable[[ProbeCounts], int],
    asked: float,
) -> list[EffectSample]:
    """Return samples of an effect that hits each try with probability `asked`."""
    signs: list[EffectSample] = []
    since_ns, due = None, 0.0
    for tally in tallies:
        if hits(tally):
            signs.append(EffectSample(tally.from_ns, tally.until_ns, present=True))
            since_ns, due = None, 0.0
            continue
        since_ns = tally.from_ns if since_ns is None else since_ns
        due += asked * tries(tally)
        if due >= MIN_HITS_DUE:
            signs.append(EffectSample(since_ns, tally.until_ns, present=False))
    return signs


def max_gap_ns(
    tallies: Sequence[ProbeCounts], tries: Callable[[ProbeCounts], int], asked: float, least_ns: int
) -> int:
    """Return how long such an effect may hit nothing by chance: the time in which MIN_HITS_DUE hits are
    due.
    """
    span_ns = tallies[-1].until_ns - tallies[0].from_ns if tallies else 0
    due = asked * sum(tries(tally) for tally in tallies)
    return max(
        least_ns,
        round(span_ns * MIN_HITS_DUE / max(due, 1e-9)) if due >= MIN_HITS_DUE else span_ns + least_ns,
    )
