"""How much of a fault's window is proved: samples of its effect in time, and the gaps between them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_MS = 1_000_000
# An effect begins and ends slightly off the times that Toxiproxy recorded.
EDGE_NS = 250 * _MS


@dataclass(frozen=True)
class EffectSample:
    """One sample of a fault's effect, from one instant to another: present or absent."""

    from_ns: int
    until_ns: int
    present: bool


@dataclass(frozen=True)
class CoverageGap:
    """A part of the window in which the effect was absent (`gone`), or without a sample."""

    from_ns: int
    until_ns: int
    gone: bool


@dataclass(frozen=True)
class Coverage:
    """The proved part of a window, and its gaps."""

    from_ns: int
    until_ns: int
    proved_ns: int
    gaps: tuple[CoverageGap, ...]

    @property
    def share(self) -> float:
        """The proved share of the window, 0 to 1."""
        return min(1.0, self.proved_ns / max(1, self.until_ns - self.from_ns))

    @property
    def trouble(self) -> str:
        """The gaps as text, in seconds since the fault's begin; "" without gaps."""
        if not self.gaps:
            return ""
        parts = [
            f"{'it was gone' if gap.gone else 'nothing was seen of it'} "
            f"from {(gap.from_ns - self.from_ns) / 1e9:.1f} to {(gap.until_ns - self.from_ns) / 1e9:.1f} s"
            for gap in self.gaps[:3]
        ]
        more = f", and {len(self.gaps) - 3} gaps more" if len(self.gaps) > 3 else ""
        length_s = (self.until_ns - self.from_ns) / 1e9
        return f"{', '.join(parts)}{more} of its {length_s:.1f} s ({self.share:.0%} of it is proved)"


def coverage_of(samples: Iterable[EffectSample], from_ns: int, until_ns: int, max_gap_ns: int) -> Coverage:
    """Return the coverage of a window.

    The time between two samples is proved where both show the effect and are at most `max_gap_ns` apart, the
    longest gap that the probe rate leaves; so is the time to the window's edges. All else is a gap.
    """
    assert from_ns <= until_ns, (from_ns, until_ns)
    assert max_gap_ns > 0, max_gap_ns
    inner = (from_ns + EDGE_NS, until_ns - EDGE_NS)
    ordered = sorted(
        (
            sample
            for sample in samples
            if sample.until_ns > from_ns and sample.from_ns < until_ns and _counts(sample, inner)
        ),
        key=lambda sample: (sample.from_ns, sample.until_ns),
    )
    gaps: list[CoverageGap] = []
    proved_ns, reached_ns, gone = 0, from_ns, False
    for sample in ordered:
        if not sample.present:
            gone = True
            continue
        begin_ns, end_ns = max(from_ns, sample.from_ns), min(until_ns, sample.until_ns)
        if begin_ns > reached_ns:
            if gone or begin_ns - reached_ns > max_gap_ns:
                gaps.append(CoverageGap(reached_ns, begin_ns, gone))
            else:
                proved_ns += begin_ns - reached_ns
        proved_ns += max(0, end_ns - max(reached_ns, begin_ns))
        reached_ns, gone = max(reached_ns, end_ns), False
    if until_ns > reached_ns:
        if gone or until_ns - reached_ns > max_gap_ns:
            gaps.append(CoverageGap(reached_ns, until_ns, gone))
        else:
            proved_ns += until_ns - reached_ns
    return Coverage(from_ns, until_ns, proved_ns, tuple(gaps))


def _counts(sample: EffectSample, inner: tuple[int, int]) -> bool:
    """Return whether a sample counts: one without the effect at the very edge may lie outside the window."""
    within = sample.from_ns >= inner[0] and sample.until_ns <= inner[1]
    return (
        sample.present or within or min(sample.until_ns, inner[1]) - max(sample.from_ns, inner[0]) > EDGE_NS
    )


def ignore_short_misses(samples: Sequence[EffectSample], at_least: int) -> list[EffectSample]:
    """Return the samples without runs of fewer than `at_least` that miss the effect: a random draw may be
    small, a clock may be read late.
    """
    kept: list[EffectSample] = []
    run: list[EffectSample] = []
    for sample in [*samples, None]:
        if sample is not None and not sample.present:
            run.append(sample)
            continue
        if len(run) >= at_least:
            kept.append(EffectSample(run[0].from_ns, run[-1].until_ns, present=False))
        run = []
        if sample is not None:
            kept.append(sample)
    return kept
