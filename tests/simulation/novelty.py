"""What a simulated run showed: features of its history, by which a plan shows something new."""

from __future__ import annotations

from collections import Counter
from typing import Final

from tests.simulation.plan import Plan, Trouble
from tests.simulation.world import World
from wire import events

LEFT_OUT: Final = ("Totals", "TrafficTotals", "RefusalsOmitted")
"""Events at an interval, which say nothing about what happened."""


class FeaturesWorld(World):
    """A world that keeps which event followed which in each process, and what preceded each trouble.

    `features` has them as texts, their kind first.
    """

    def __init__(self, plan: Plan) -> None:
        self._before: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        self._pairs: set[tuple[str, str, str]] = set()
        self._begins: set[tuple[str, str, str]] = set()
        super().__init__(plan)

    def on_event(self, event: events.Event) -> None:
        """A line was written."""
        name = type(event).__name__
        if name not in LEFT_OUT:
            by = event.by
            role = "coordinator" if by == "coordinator" else "worker"
            about = getattr(event, "worker", "") if role == "coordinator" else ""
            key = f"{by} {about}" if about else by
            detail = (
                getattr(event, "outcome", "") or getattr(event, "kind", "") or getattr(event, "reason", "")
            )
            now = f"{name} {detail}" if detail and isinstance(detail, str) and len(detail) < 24 else name
            self._pairs.add((role, self._before.get(key, ""), now))
            self._before[key] = now
            self._counts[now] += 1
        super().on_event(event)

    def struck(self, trouble: Trouble, event: events.Event) -> None:
        """A trouble begins at its event."""
        worker = self._before.get(f"worker-{trouble.worker}", "")
        self._begins.add((trouble.kind, trouble.when, worker))

    @property
    def features(self) -> frozenset[str]:
        """What this run showed until now."""
        pairs = {f"pair|{role}|{first}|{then}" for role, first, then in self._pairs}
        begins = {f"begin|{kind}|{when}|{worker}" for kind, when, worker in self._begins}
        counts = {f"count|{name}|{count.bit_length()}" for name, count in self._counts.items()}
        return frozenset(pairs | begins | counts)
