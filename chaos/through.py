"""Whether a fault held through its window: signs of it in time, the gaps between them, and how much is
proved. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_MS = 1_000_000
# An effect begins and ends a little beside the times that Toxiproxy wrote down.
EDGE_NS = 250 * _MS


@dataclass(frozen=True)
class Sign:
    """What one look from one instant to another shows: the fault's effect was there, or it was not."""

    from_ns: int
    until_ns: int
    there: bool


@dataclass(frozen=True)
class Gap:
    """A part of the window in which the effect was not there (`gone`), or in which nothing was looked at."""

    from_ns: int
    until_ns: int
    gone: bool


@dataclass(frozen=True)
class Through:
    """How much of a window is proved, and the gaps in it."""

    from_ns: int
    until_ns: int
    proved_ns: int
    gaps: tuple[Gap, ...]

    @property
    def share(self) -> float:
        """The proved part of the window, 0 to 1."""
        return min(1.0, self.proved_ns / max(1, self.until_ns - self.from_ns))

    @property
    def trouble(self) -> str:
        """The gaps in words, with seconds since the fault began; "" when there are none."""
        if not self.gaps:
            return ""
        told = [
            f"{'it was gone' if gap.gone else 'nothing was seen of it'} "
            f"from {(gap.from_ns - self.from_ns) / 1e9:.1f} to {(gap.until_ns - self.from_ns) / 1e9:.1f} s"
            for gap in self.gaps[:3]
        ]
        more = f", and {len(self.gaps) - 3} gaps more" if len(self.gaps) > 3 else ""
        length_s = (self.until_ns - self.from_ns) / 1e9
        return f"{', '.join(told)}{more} of its {length_s:.1f} s ({self.share:.0%} of it is proved)"


def through(signs: Iterable[Sign], from_ns: int, until_ns: int, reach_ns: int) -> Through:
    """Time between two signs is proved when both show the effect and lie within `reach_ns`, the longest that
    the look leaves between two of them; so is the time to the window's edges. Anything else is a gap.
    """
    assert from_ns <= until_ns, (from_ns, until_ns)
    assert reach_ns > 0, reach_ns
    inner = (from_ns + EDGE_NS, until_ns - EDGE_NS)
    ordered = sorted(
        (
            sign
            for sign in signs
            if sign.until_ns > from_ns and sign.from_ns < until_ns and _counts(sign, inner)
        ),
        key=lambda sign: (sign.from_ns, sign.until_ns),
    )
    gaps: list[Gap] = []
    proved_ns, reached_ns, gone = 0, from_ns, False
    for sign in ordered:
        if not sign.there:
            gone = True
            continue
        begin_ns, end_ns = max(from_ns, sign.from_ns), min(until_ns, sign.until_ns)
        if begin_ns > reached_ns:
            if gone or begin_ns - reached_ns > reach_ns:
                gaps.append(Gap(reached_ns, begin_ns, gone))
            else:
                proved_ns += begin_ns - reached_ns
        proved_ns += max(0, end_ns - max(reached_ns, begin_ns))
        reached_ns, gone = max(reached_ns, end_ns), False
    if until_ns > reached_ns:
        if gone or until_ns - reached_ns > reach_ns:
            gaps.append(Gap(reached_ns, until_ns, gone))
        else:
            proved_ns += until_ns - reached_ns
    return Through(from_ns, until_ns, proved_ns, tuple(gaps))


def _counts(sign: Sign, inner: tuple[int, int]) -> bool:
    """What is seen missing at the very edge may lie outside."""
    within = sign.from_ns >= inner[0] and sign.until_ns <= inner[1]
    return sign.there or within or min(sign.until_ns, inner[1]) - max(sign.from_ns, inner[0]) > EDGE_NS


def steady(signs: Sequence[Sign], at_least: int) -> list[Sign]:
    """The same, where fewer than `at_least` in a row that miss the effect say nothing: a draw may be small,
    a clock read late.
    """
    kept: list[Sign] = []
    run: list[Sign] = []
    for sign in [*signs, None]:
        if sign is not None and not sign.there:
            run.append(sign)
            continue
        if len(run) >= at_least:
            kept.append(Sign(run[0].from_ns, run[-1].until_ns, there=False))
        run = []
        if sign is not None:
            kept.append(sign)
    return kept
