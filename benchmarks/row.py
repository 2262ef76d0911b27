"""One line of the table: a figure of ours beside its baseline of the same run, and what it must reach."""

from __future__ import annotations

from typing import Literal

import msgspec

from benchmarks.pairs import Estimate


class Bound(msgspec.Struct, frozen=True):
    """What a figure must reach or may not pass."""

    sense: Literal["at most", "at least"]
    value: float

    def holds(self, figure: float) -> bool:
        """Whether `figure` keeps within the bound."""
        return figure <= self.value if self.sense == "at most" else figure >= self.value

    def __str__(self) -> str:
        return f"{'≤' if self.sense == 'at most' else '≥'} {self.value:g}"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A measure beside its baseline. `ours` and `theirs` have `unit`; `figure` is what `must` and `aim` speak
    of (mostly ours ÷ theirs, pair by pair), in `figure_unit`. A row that only shows something has no `must`.

    `cores` says which process ran on which core; `rounds` how often both contenders were measured in turn.
    """

    measure: str
    baseline: str
    unit: str
    ours: Estimate
    theirs: Estimate
    figure: Estimate
    cores: str
    rounds: int
    figure_unit: str = "×"
    must: Bound | None = None
    aim: Bound | None = None
    remark: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the median is within the `must`."""
        return self.must is None or self.must.holds(self.figure.median)

    @property
    def verdict(self) -> str:
        """In a word: missed, met, aim (met, and the aim too), shown (nothing was asked)."""
        if self.must is None:
            return "shown"
        if not self.is_met:
            return "missed"
        return "aim" if self.aim is not None and self.aim.holds(self.figure.median) else "met"


def at_most(value: float) -> Bound:
    """A ceiling."""
    return Bound("at most", value)


def at_least(value: float) -> Bound:
    """A floor."""
    return Bound("at least", value)
