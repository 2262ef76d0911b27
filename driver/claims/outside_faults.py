"""A comparison holds while no fault is on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from driver.claims.claim import Names
from driver.claims.time_windows import TimeWindows, parse_comparison
from driver.claims.windows import outside_faults
from driver.histories.history import History
from driver.histories.intervals import Interval


@dataclass(frozen=True)
class OutsideFaults(TimeWindows):
    """The comparison holds at every reading, and of the operations, that touched no fault."""

    name: ClassVar = "outside_faults"
    forms: ClassVar = ("outside faults: COMPARISON",)
    example: ClassVar = "outside faults: latency_p99 <= 1s"
    means: ClassVar = (
        "The same for what began and ended while no fault was on: readings between asked and answered, "
        "operations between called and answered. The time after a fault, in which the system recovers, is "
        "outside of it."
    )
    fails: ClassVar = "a reading or the metric of these operations does not satisfy it"
    rank: ClassVar = 110

    @classmethod
    def of(cls, text: str, form: str, bound: Sequence[str], names: Names | None) -> Self:
        return cls(text, parse_comparison(bound[0], names))

    def windows(self, history: History) -> list[Interval]:
        return outside_faults(history)

    def no_windows(self) -> str:
        return "a fault was on all the time"
