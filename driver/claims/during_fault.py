"""A comparison holds while a fault is on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from driver.claims.claim import Names
from driver.claims.sentences import fault_named
from driver.claims.time_windows import TimeWindows, parse_comparison
from driver.claims.windows import Value, during, operations_in, within
from driver.histories.history import History
from driver.histories.intervals import Interval
from driver.histories.run_timeline import run_timeline
from driver.histories.system_events import Operation


@dataclass(frozen=True)
class DuringFault(TimeWindows):
    """The comparison holds at every reading in the windows of `fault`, and of the operations called there."""

    name: ClassVar = "during_fault"
    forms: ClassVar = ("during FAULT: COMPARISON",)
    example: ClassVar = "during partition: ok_share >= 90%"
    means: ClassVar = (
        "FAULT is the id or the kind of a fault of the timeline. The same for readings that were asked for "
        "and answered while it was on, and for operations that were called then. Each time that it was on "
        "needs a reading that is known, or an operation; else the finding is unknown."
    )
    fails: ClassVar = "a reading or the metric of these operations does not satisfy it"
    rank: ClassVar = 120
    whole_operations: ClassVar = False

    fault: str

    @classmethod
    def of(cls, text: str, form: str, bound: Sequence[str], names: Names | None) -> Self:
        return cls(text, parse_comparison(bound[1], names), fault_named(bound[0], names))

    def windows(self, history: History) -> list[Interval]:
        return during(history, self.fault)

    def no_windows(self) -> str:
        return f"no fault {self.fault} began in this run"

    def lacking(self, history: History, values: Sequence[Value], windows: Sequence[Interval]) -> str:
        known = [one for one in values if one.number is not None]
        for window in windows:
            if not any(within(one.from_ns, one.until_ns, [window]) for one in known):
                at_s = history.view(run_timeline).at_s(window[0])
                return f"no known reading is in the time of {self.fault} that began at {at_s:.1f} s"
        return ""

    def lacking_operations(self, history: History, windows: Sequence[Interval]) -> str:
        for window in windows:
            if not operations_in(history, [window], whole=self.whole_operations).of(Operation):
                at_s = history.view(run_timeline).at_s(window[0])
                return f"no operation was called in the time of {self.fault} that began at {at_s:.1f} s"
        return ""
