"""Which policy would have done better, if any would clearly. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from driver.forensics.what_if import Range, Row

AS_GOOD_S = 1.0
"""A second sooner or later decides nothing; that fewer come at once does."""
CLEARLY_SHARE = 0.8
"""Nor is a fifth of a long time a reason to change a fleet, or what is not so in nine of ten draws."""
GENTLER = 0.5
ALIKE = 1.25
"""So far apart draws lie anyhow; then the lower peak of the whole storm decides."""


@dataclass(frozen=True)
class Recommendation:
    """What to use in place of what was used. `sooner`: else it is as soon, and knocks far less."""

    was: Row
    better: Row
    sooner: bool


def recommend(rows: Sequence[Row], was: Row, bearable_per_s: float) -> Recommendation | None:
    """The policy to change to; None where none is clearly better.

    Nothing is recommended that knocks harder than the coordinator can let in (`bearable_per_s`), unless
    what was used did so too; nor a policy without jitter, which keeps workers in step that are cut off
    together.
    """
    others = [row for row in rows if row is not was and row.chosen.policy.spreads]
    bearable = [row for row in others if row.peak_per_s.mean <= max(bearable_per_s, was.peak_per_s.mean)]
    sooner = [row for row in bearable if _is_sooner(row, was)]
    if sooner:
        return Recommendation(was, _gentlest(sooner), True)
    gentler = [row for row in bearable if _is_gentler(row, was)]
    return Recommendation(was, _gentlest(gentler), False) if gentler else None


def _is_sooner(row: Row, was: Row) -> bool:
    now, then = row.all_back_s, was.all_back_s
    return now.high < then.low and now.mean < min(then.mean - AS_GOOD_S, then.mean * CLEARLY_SHARE)


def _is_gentler(row: Row, was: Row) -> bool:
    halves = (
        _is_half(row.at_once, was.at_once),
        _is_half(row.attempts_each, was.attempts_each),
    )
    return all(halves) and row.all_back_s.mean <= was.all_back_s.mean + AS_GOOD_S


def _is_half(now: Range, then: Range) -> bool:
    """Whether a figure is half or less, and no draw's doing."""
    return now.mean <= GENTLER * then.mean and now.high < then.low


def _gentlest(rows: Sequence[Row]) -> Row:
    soonest_s = min(row.all_back_s.mean for row in rows)
    as_good = [row for row in rows if row.all_back_s.mean <= soonest_s + AS_GOOD_S]
    fewest = min(row.at_once.mean for row in as_good)
    gentle = [row for row in as_good if row.at_once.mean <= ALIKE * fewest]
    return min(gentle, key=lambda row: (row.peak_per_s.mean, row.attempts_each.mean))
