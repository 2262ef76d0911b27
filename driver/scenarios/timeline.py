"""What is due when: a plan's faults as beginnings and ends in order of time. Pure: whoever asks says what
time it is.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from enum import IntEnum

from driver.scenarios.plan import PlannedFault


class What(IntEnum):
    """Ends come before beginnings at one instant: a fault finds its links free of the one before it."""

    end = 0
    begin = 1


@dataclass(frozen=True, order=True)
class Step:
    """A fault's beginning or end, and when it is due (seconds after the start)."""

    at_s: float
    what: What
    fault: PlannedFault = field(compare=False)


class Timeline:
    """Gives each beginning and end once, when it is due; the end of a fault only after its beginning was
    given.
    """

    def __init__(self, faults: tuple[PlannedFault, ...]) -> None:
        # The number keeps the plan's own order among steps of one instant.
        self._steps = [(Step(fault.at_s, What.begin, fault), number) for number, fault in enumerate(faults)]
        heapq.heapify(self._steps)
        self._on: dict[str, PlannedFault] = {}

    @property
    def next_at_s(self) -> float | None:
        """When the next step is due, or None when all were given."""
        return self._steps[0][0].at_s if self._steps else None

    @property
    def on(self) -> tuple[PlannedFault, ...]:
        """Faults that were begun and not ended: what healing has to end when a run stops early."""
        return tuple(self._on.values())

    def due(self, now_s: float) -> list[Step]:
        """Every step that is due by now, in order."""
        steps = []
        while self._steps and self._steps[0][0].at_s <= now_s:
            step, number = heapq.heappop(self._steps)
            steps.append(step)
            if step.what is What.end:
                del self._on[step.fault.id]
            elif step.fault.for_s is not None:
                self._on[step.fault.id] = step.fault
                heapq.heappush(self._steps, (Step(step.fault.end_s, What.end, step.fault), number))
        return steps
