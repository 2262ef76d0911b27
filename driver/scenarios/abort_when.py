"""Rules that end a run early: `connected < 10% for 60s`. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chaos.explain import nearest
from driver.metrics.metric import Unit
from driver.metrics.quantities import OPERATORS, parse_quantity, parse_seconds, write
from driver.scenarios.thresholds import MAX_CHARACTERS
from wire.control import CoordinatorState

_RULE = re.compile(r"(?P<name>\w+)\s*(?P<operator><=|>=|<|>)\s*(?P<value>.+?)\s+for\s+(?P<hold>.+)")


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


@dataclass(frozen=True)
class AbortRule:
    """`name operator value`, held for `hold_s`."""

    text: str
    name: str
    operator: str
    value: float
    hold_s: float


def parse_abort(text: str) -> AbortRule:
    """Return the rule in `connected < 10% for 60s`. Raises ValueError with a sentence."""
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"expected at most {MAX_CHARACTERS} characters; found {len(text)}")
    words = " ".join(text.split())
    match = _RULE.fullmatch(words)
    if match is None:
        raise ValueError(f"expected a rule like 'connected < 10% for 60s'; found {words!r}")
    name = match["name"]
    if name not in LIVE_SIGNALS:
        raise ValueError(f"{name!r} is not measured while a run lasts. {nearest(name, LIVE_SIGNALS)}")
    value = parse_quantity(match["value"]).to(LIVE_SIGNALS[name].unit)
    if LIVE_SIGNALS[name].unit is Unit.ratio and value > 1:
        raise ValueError(f"{name} is a share and never above 100 %; found {value * 100:g} %")
    return AbortRule(words, name, match["operator"], value, parse_seconds(match["hold"]))


class AbortMonitor:
    """Applies rules to a sequence of states, and reports the first that held for its time."""

    def __init__(self, rules: Sequence[AbortRule], workers: int) -> None:
        self._rules = rules
        self._workers = workers
        self._since_s: dict[str, float] = {}
        self._before: tuple[float, CoordinatorState] | None = None

    def look(self, now_s: float, state: CoordinatorState | None) -> str:
        """Return why the run must end; "" to continue. An unknown state (None) restarts every rule's time."""
        if state is None or self._before is None or now_s <= self._before[0]:
            self._since_s.clear()
            self._before = None if state is None else (now_s, state)
            return ""
        before_s, before = self._before
        self._before = (now_s, state)
        for rule in self._rules:
            live = LIVE_SIGNALS[rule.name]
            value = live.measure(state, before, now_s - before_s, self._workers)
            if not OPERATORS[rule.operator](value, rule.value):
                self._since_s.pop(rule.text, None)
            elif now_s - self._since_s.setdefault(rule.text, now_s) >= rule.hold_s:
                return f"{rule.text}: {live.meaning} was {write(value, live.unit)}"
        return ""
