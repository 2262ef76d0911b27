"""Recommends a policy where one is clearly better. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from driver.forensics.what_if import PolicyOutcome, Range

AS_GOOD_S = 1.0
"""A difference of a second is not decisive; fewer attempts at once are."""
CLEARLY_SHARE = 0.8
"""Nor is a fifth of a long time, or a difference that is absent from more than one draw of ten."""
GENTLER = 0.5
ALIKE = 1.25
"""Within this factor draws are alike; then the lower peak of the whole storm decides."""


@dataclass(frozen=True)
class Recommendation:
    """A better policy. `sooner`: else it is as soon, with far fewer attempts."""

    was: PolicyOutcome
    better: PolicyOutcome
    sooner: bool


def recommend(
    rows: Sequence[PolicyOutcome], was: PolicyOutcome, bearable_per_s: float
) -> Recommendation | None:
    """Return a policy that is clearly better, or None.

    A policy with more attempts a second than the server admits (`bearable_per_s`) is not recommended,
    unless the actual one has as many; nor one without jitter, which keeps clients in step.
    """
    others = [row for row in rows if row is not was and row.chosen.policy.spreads]
    bearable = [row for row in others if row.peak_per_s.mean <= max(bearable_per_s, was.peak_per_s.mean)]
    sooner = [row for row in bearable if _is_sooner(row, was)]
    if sooner:
        return Recommendation(was, _gentlest(sooner), True)
    gentler = [row for row in bearable if _is_gentler(row, was)]
    return Recommendation(was, _gentlest(gentler), False) if gentler else None


def _is_sooner(row: PolicyOutcome, was: PolicyOutcome) -> bool:
    now, then = row.all_back_s, was.all_back_s
    return now.high < then.low and now.mean < min(then.mean - AS_GOOD_S, then.mean * CLEARLY_SHARE)


def _is_gentler(row: PolicyOutcome, was: PolicyOutcome) -> bool:
    halves = (
        _is_half(row.at_once, was.at_once),
        _is_half(row.attempts_each, was.attempts_each),
    )
    return all(halves) and row.all_back_s.mean <= was.all_back_s.mean + AS_GOOD_S


def _is_half(now: Range, then: Range) -> bool:
    """Whether a figure is half or less, and no draw's doing."""
    return now.mean <= GENTLER * then.mean and now.high < then.low


def _gentlest(rows: Sequence[PolicyOutcome]) -> PolicyOutcome:
    soonest_s = min(row.all_back_s.mean for row in rows)
    as_good = [row for row in rows if row.all_back_s.mean <= soonest_s + AS_GOOD_S]
    fewest = min(row.at_once.mean for row in as_good)
    gentle = [row for row in as_good if row.at_once.mean <= ALIKE * fewest]
    return min(gentle, key=lambda row: (row.peak_per_s.mean, row.attempts_each.mean))
