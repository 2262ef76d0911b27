"""What a simulated run showed: features of its history, by which a plan shows something new."""

from __future__ import annotations

from collections import Counter
from typing import Final

from tests.simulation.anchors import EVENTS, worker_of
from tests.simulation.plan import Plan, Trouble
from tests.simulation.world import World
from wire import events

LEFT_OUT: Final = ("Totals", "TrafficTotals", "RefusalsOmitted")
"""Events at an interval, which say nothing about what happened."""
MOST_MOMENTS: Final = 400
_ANCHORS: Final = frozenset(EVENTS)
_MS: Final = 1_000_000

Moment = tuple[int, str, str, str, str]
"""A time in virtual ms, the name of an event or frame at which a trouble can begin, its worker or "", the
state of both sides, and the kind of the trouble that began last, or ""."""


class FeaturesWorld(World):
    """A world that keeps which event followed which in each process, in which state of both sides an event
    came or a trouble began, and the moments to which a trouble can be anchored.

    `features` has the first as texts, their kind first.
    """

    def __init__(self, plan: Plan) -> None:
        self.moments: list[Moment] = []
        self.begins_ms: list[int] = []
        self._before: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        self._features: set[tuple[str, ...]] = set()
        self._last_trouble = ""
        self._states: dict[str, str] = {}
        self._places = {f"worker-{number}": number - 1 for number in range(1, plan.workers + 1)}
        super().__init__(plan)

    def on_event(self, event: events.Event) -> None:
        """A line was written."""
        name = type(event).__name__
        if name not in LEFT_OUT:
            self._note(event, name)
        super().on_event(event)

    def on_frame(self, worker: str, name: str) -> None:
        """A frame is sent on a worker's link."""
        self._note_moment(name, worker)
        super().on_frame(worker, name)

    def struck(self, trouble: Trouble) -> None:
        """A trouble begins."""
        self.begins_ms.append(self._now_ms())
        worker, coordinator = self._worker_state(trouble.worker - 1), self._coordinator_state()
        last = self._before.get(f"worker-{trouble.worker}", "")
        self._features.add(("begin", trouble.kind, last, worker, coordinator))
        self._features.add(("beside", trouble.kind, self._last_trouble, coordinator))
        self._last_trouble = trouble.kind

    def _note(self, event: events.Event, name: str) -> None:
        by = event.by
        is_own = by == "coordinator"
        worker = worker_of(event)
        if name in _ANCHORS:
            self._note_moment(name, worker)
        key = f"{by} {worker}" if is_own else by
        detail = getattr(event, "outcome", "") or getattr(event, "kind", "") or getattr(event, "reason", "")
        now = f"{name} {detail}" if detail and isinstance(detail, str) and len(detail) < 24 else name
        self._features.add(("pair", by if is_own else "worker", self._before.get(key, ""), now))
        if is_own:
            self._features.add(("during", now, self._coordinator_state()))
        elif by in self._places:
            self._features.add(("in", now, self._worker_state(self._places[by])))
        self._before[key] = now
        self._counts[now] += 1

    def _note_moment(self, name: str, worker: str) -> None:
        # (An event of a worker's twin begins no trouble.)
        if len(self.moments) < MOST_MOMENTS and (not worker or worker in self._places):
            place = self._places.get(worker, 0)
            state = f"{self._worker_state(place)} {self._worker_load(place)} {self._coordinator_state()}"
            state = self._states.setdefault(state, state)
            self.moments.append((self._now_ms(), name, worker, state, self._last_trouble))

    def _now_ms(self) -> int:
        return self.clock.now_ns // _MS - 1_000

    def _worker_state(self, place: int) -> str:
        """Return the phase of a worker's session and how many messages are on their way, by magnitude."""
        core = self.workers[place].core if place < len(self.workers) else None
        if core is None:
            return "dead"
        return f"{core.state.value} {min(core.channel.in_flight.bit_length(), 2)}"

    def _worker_load(self, place: int) -> str:
        """Return the magnitudes of what waits to be sent, and of the attempts that a worker holds."""
        core = self.workers[place].core if place < len(self.workers) else None
        if core is None:
            return ""
        waiting = core.channel.depth - core.channel.in_flight
        return f"{min(waiting.bit_length(), 2)} {core.held.bit_length()}"

    def _coordinator_state(self) -> str:
        """Return whether this is its first life, and whether it waits for reports."""
        core = self.coordinator.core
        if core is None:
            return "dead"
        return f"{min(self.coordinator.store.epoch, 3)} {core.ledger.recovering}"

    @property
    def features(self) -> frozenset[str]:
        """What this run showed until now."""
        shown = {"|".join(one) for one in self._features}
        return frozenset(
            shown | {f"count|{name}|{count.bit_length()}" for name, count in self._counts.items()}
        )
