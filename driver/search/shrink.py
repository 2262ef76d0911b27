"""Makes a schedule small that shows a finding: faults left out first, then each value made simpler. Pure."""

from __future__ import annotations

from collections.abc import Generator, Iterable

import msgspec

from driver.search.ddmin import ddmin_steps
from driver.search.reductions import LEAST_LOAD, size_of, smaller, without_faults
from driver.search.schedule import Schedule

KEPT_SHARE = 0.5
"""A candidate is kept where it shows the finding in this share of the tries that the whole one needed."""


class Outcome(msgspec.Struct, frozen=True):
    """How many of `tries` runs of a schedule showed the finding."""

    shown: int = 0
    tries: int = 0

    @property
    def probability(self) -> float:
        """The share of tries that showed it; 0 without one."""
        return self.shown / self.tries if self.tries else 0.0

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(self.shown + other.shown, self.tries + other.tries)

    def __str__(self) -> str:
        return f"{self.shown} of {self.tries}"


class ReductionStep(msgspec.Struct, frozen=True):
    """One candidate of a reduction, how it was judged, and whether it was kept."""

    schedule: Schedule
    outcome: Outcome
    kept: bool


def reduction(
    schedule: Schedule, from_s: float, least_clients: int = 1, least_load: float = LEAST_LOAD
) -> Generator[Schedule, bool, Schedule]:
    """Yield candidates that are smaller than the last one kept, and take whether each shows the finding.

    Return the smallest that was kept, of which no candidate shows it. The first fault may begin at `from_s`.
    Each candidate is yielded once at most; a caller that is out of time stops asking, and has what it kept.
    """
    best, tried = schedule, {schedule.key}
    steps = ddmin_steps(len(schedule.faults))
    shown: bool | None = None
    while True:
        try:
            places = next(steps) if shown is None else steps.send(shown)
        except StopIteration:
            break
        candidate = without_faults(schedule, frozenset(places))
        tried.add(candidate.key)
        shown = yield candidate
        best = candidate if shown else best
    is_smaller = True
    while is_smaller:
        is_smaller = False
        for candidate in _untried(best, smaller(best, from_s, least_clients, least_load), tried):
            if (yield candidate):
                assert size_of(candidate) < size_of(best), "a candidate is smaller than what it replaces"
                best, is_smaller = candidate, True
                break
    return best


def _untried(
    best: Schedule, candidates: Iterable[Schedule], tried: set[bytes]
) -> Generator[Schedule, None, None]:
    """Yield what is one fault less, then the candidates, of those that were not tried; each is then."""
    count = len(best.faults)
    fewer = (without_faults(best, frozenset(range(count)) - {place}) for place in range(count) if count > 1)
    for candidate in (*fewer, *candidates):
        if candidate.key not in tried:
            tried.add(candidate.key)
            yield candidate


def is_kept(outcome: Outcome, whole: Outcome) -> bool:
    """Whether a candidate shows the finding often enough, compared with the whole schedule."""
    return outcome.tries > 0 and outcome.probability >= KEPT_SHARE * whole.probability > 0
