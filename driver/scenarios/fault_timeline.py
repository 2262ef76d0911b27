"""A plan's faults as begins and ends in order of time. Pure: the caller passes the time."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from enum import IntEnum

from driver.scenarios.plan import PlannedFault


class StepKind(IntEnum):
    """At one instant ends come before begins: a fault begins on links without the one before it."""

    end = 0
    begin = 1


@dataclass(frozen=True, order=True)
class Step:
    """A fault's begin or end, and when it is due (seconds after the start)."""

    at_s: float
    what: StepKind
    fault: PlannedFault = field(compare=False)


class FaultTimeline:
    """Returns each begin and end once, when it is due; a fault's end only after its begin.

    Of a fault with an anchor only the time at which it is armed: when it ends follows from its anchor.
    """

    def __init__(self, faults: tuple[PlannedFault, ...]) -> None:
        # The number keeps the plan's order among steps of one instant.
        self._steps = [
            (Step(fault.at_s, StepKind.begin, fault), number) for number, fault in enumerate(faults)
        ]
        heapq.heapify(self._steps)
        self._on: dict[str, PlannedFault] = {}

    @property
    def next_at_s(self) -> float | None:
        """When the next step is due; None when all are done."""
        return self._steps[0][0].at_s if self._steps else None

    @property
    def on(self) -> tuple[PlannedFault, ...]:
        """Faults that began and have not ended: the heal must end them when a run stops early."""
        return tuple(self._on.values())

    def due(self, now_s: float) -> list[Step]:
        """Return every step that is due by `now_s`, in order."""
        steps = []
        while self._steps and self._steps[0][0].at_s <= now_s:
            step, number = heapq.heappop(self._steps)
            steps.append(step)
            if step.what is StepKind.end:
                del self._on[step.fault.id]
            elif step.fault.for_s is not None and step.fault.when is None:
                self._on[step.fault.id] = step.fault
                heapq.heappush(self._steps, (Step(step.fault.end_s, StepKind.end, step.fault), number))
        return steps
