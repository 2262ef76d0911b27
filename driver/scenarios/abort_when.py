"""When a run is to be ended early: it does harm, or nothing more can be learnt from it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chaos.explain import nearest
from driver.metrics.metric import Unit
from driver.scenarios.quantities import parse_quantity, parse_seconds, write
from driver.scenarios.thresholds import MAX_CHARACTERS, OPERATORS
from wire.control import CoordinatorState

_RULE = re.compile(r"(?P<name>\w+)\s*(?P<operator><=|>=|<|>)\s*(?P<value>.+?)\s+for\s+(?P<hold>.+)")


@dataclass(frozen=True)
class Live:
    """A number that the coordinator's state gives at any time. `measure` takes the state before too, and how
    long ago it was.
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


LIVE: dict[str, Live] = {
    "connected": Live(Unit.ratio, "share of the workers that are connected", _connected),
    "waiting_tasks": Live(Unit.count, "tasks that wait to be given out", _waiting),
    "completed_per_s": Live(Unit.per_second, "tasks completed a second", _completed_per_s),
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
    """The rule in `connected < 10% for 60s`. Raises ValueError with a sentence."""
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"expected at most {MAX_CHARACTERS} characters; found {len(text)}")
    words = " ".join(text.split())
    match = _RULE.fullmatch(words)
    if match is None:
        raise ValueError(f"expected a rule like 'connected < 10% for 60s'; found {words!r}")
    name = match["name"]
    if name not in LIVE:
        raise ValueError(f"{name!r} is not known while a run lasts. {nearest(name, LIVE)}")
    value = parse_quantity(match["value"]).to(LIVE[name].unit)
    if LIVE[name].unit is Unit.ratio and value > 1:
        raise ValueError(f"{name} is a share and never above 100 %; found {value * 100:g} %")
    return AbortRule(words, name, match["operator"], value, parse_seconds(match["hold"]))


class AbortWatch:
    """Looks at one state after the other, and says when a rule has held for long enough."""

    def __init__(self, rules: Sequence[AbortRule], workers: int) -> None:
        self._rules = rules
        self._workers = workers
        self._since_s: dict[str, float] = {}
        self._before: tuple[float, CoordinatorState] | None = None

    def look(self, now_s: float, state: CoordinatorState | None) -> str:
        """Why the run is to end; "" while it goes on. An unknown state (None) breaks what has held so far."""
        if state is None or self._before is None or now_s <= self._before[0]:
            self._since_s.clear()
            self._before = None if state is None else (now_s, state)
            return ""
        before_s, before = self._before
        self._before = (now_s, state)
        for rule in self._rules:
            live = LIVE[rule.name]
            value = live.measure(state, before, now_s - before_s, self._workers)
            if not OPERATORS[rule.operator](value, rule.value):
                self._since_s.pop(rule.text, None)
            elif now_s - self._since_s.setdefault(rule.text, now_s) >= rule.hold_s:
                return f"{rule.text}: {live.meaning} was {write(value, live.unit)}"
        return ""
