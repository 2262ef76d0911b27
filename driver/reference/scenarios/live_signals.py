"""Numbers of the coordinator's state while a run lasts, and the rules on them that end it early. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chaos.explain import nearest
from driver.metrics.metric import Unit
from driver.metrics.quantities import parse_quantity
from driver.scenarios.abort_when import AbortRule, HeldRules, made_rule, match_rule
from wire.control import CoordinatorState


@dataclass(frozen=True)
class LiveSignal:
    """A number derived from the coordinator's state. `measure` takes the state, the previous one, the seconds
    between them, and the number of workers.
    """

    unit: Unit
    meaning: str
    measure: Callable[[CoordinatorState, CoordinatorState, float, int], float]


def _connected(now: CoordinatorState, before: CoordinatorState, elapsed_s: float, workers: int) -> float:
    return sum(worker.state == "connected" for worker in now.workers) / workers


def _waiting(now: CoordinatorState, before: CoordinatorState, elapsed_s: float, workers: int) -> float:
    return float(now.counts.waiting)


def _completed_per_s(
    now: CoordinatorState, before: CoordinatorState, elapsed_s: float, workers: int
) -> float:
    return (now.counts.completed - before.counts.completed) / elapsed_s


LIVE_SIGNALS: dict[str, LiveSignal] = {
    "connected": LiveSignal(Unit.ratio, "share of the workers that are connected", _connected),
    "waiting_tasks": LiveSignal(Unit.count, "tasks that wait to be assigned", _waiting),
    "completed_per_s": LiveSignal(Unit.per_second, "tasks completed per second", _completed_per_s),
}


def parse_signal_rule(text: str) -> AbortRule:
    """Return the rule in `connected < 10% for 60s`. Raises ValueError with a sentence."""
    match = match_rule(text)
    name = match["name"]
    if name not in LIVE_SIGNALS:
        raise ValueError(f"{name!r} is not measured while a run lasts. {nearest(name, LIVE_SIGNALS)}")
    live = LIVE_SIGNALS[name]
    value = parse_quantity(match["value"]).to(live.unit)
    if live.unit is Unit.ratio and value > 1:
        raise ValueError(f"{name} is a share and never above 100 %; found {value * 100:g} %")
    return made_rule(match, value, live.unit, live.meaning)


class AbortMonitor:
    """Applies rules to a sequence of the coordinator's states."""

    def __init__(self, rules: Sequence[AbortRule], workers: int) -> None:
        self._held = HeldRules(rules)
        self._workers = workers
        self._before: tuple[float, CoordinatorState] | None = None

    def look(self, now_s: float, state: CoordinatorState | None) -> str:
        """Return why the run must end; "" to continue. An unknown state (None) restarts every rule's time."""
        if state is None or self._before is None or now_s <= self._before[0]:
            self._held.restart()
            self._before = None if state is None else (now_s, state)
            return ""
        before_s, before = self._before
        self._before = (now_s, state)
        numbers: dict[str, float | None] = {
            name: live.measure(state, before, now_s - before_s, self._workers)
            for name, live in LIVE_SIGNALS.items()
        }
        return self._held.look(now_s, numbers)
