"""A comparison holds through the whole run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from driver.claims.claim import Names
from driver.claims.time_windows import TimeWindows, parse_comparison
from driver.claims.windows import whole_run
from driver.histories.history import History
from driver.histories.intervals import Interval


@dataclass(frozen=True)
class Always(TimeWindows):
    """The comparison holds at every reading, and of every operation, of the run."""

    name: ClassVar = "always"
    forms: ClassVar = ("always: COMPARISON",)
    example: ClassVar = "always: memory < 500MB"
    means: ClassVar = (
        "Every reading of the observation, from the first to the final one, satisfies the comparison; a "
        "signal does through the whole run, or one of operations from a second after their first call until "
        "the last one is due; a metric of operations does for all of them. A reading that failed while a "
        "fault was on is counted apart; outside of faults it makes the finding unknown."
    )
    fails: ClassVar = "a reading does not satisfy it"
    rank: ClassVar = 100

    @classmethod
    def of(cls, text: str, form: str, bound: Sequence[str], names: Names | None) -> Self:
        return cls(text, parse_comparison(bound[0], names))

    def windows(self, history: History) -> list[Interval]:
        return whole_run(history)

    def no_windows(self) -> str:
        return "there was no run"
