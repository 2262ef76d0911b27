"""Rules that end a run early: `connected < 10% for 60s`. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from chaos.explain import nearest
from driver.metrics.metric import Unit
from driver.metrics.quantities import OPERATORS, parse_quantity, parse_seconds, unit_of_quantity, write
from driver.scenarios.thresholds import MAX_CHARACTERS
from wire.control import CoordinatorState

_RULE = re.compile(r"(?P<name>[\w-]+)\s*(?P<operator><=|>=|<|>)\s*(?P<value>.+?)\s+for\s+(?P<hold>.+)")


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
    """`name operator value`, held for `hold_s`. `meaning` says what has the name."""

    text: str
    name: str
    operator: str
    value: float
    hold_s: float
    unit: Unit = Unit.count
    meaning: str = ""


def parse_abort(text: str, observations: Collection[str] | None = None) -> AbortRule:
    """Return the rule in `connected < 10% for 60s`. Raises ValueError with a sentence.

    `observations` are the names that a rule of a foreign system may use; None for the reference system.
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"expected at most {MAX_CHARACTERS} characters; found {len(text)}")
    words = " ".join(text.split())
    match = _RULE.fullmatch(words)
    if match is None:
        raise ValueError(f"expected a rule like 'connected < 10% for 60s'; found {words!r}")
    name = match["name"]
    if observations is not None:
        return _on_observation(words, match, observations)
    if name not in LIVE_SIGNALS:
        raise ValueError(f"{name!r} is not measured while a run lasts. {nearest(name, LIVE_SIGNALS)}")
    value = parse_quantity(match["value"]).to(LIVE_SIGNALS[name].unit)
    if LIVE_SIGNALS[name].unit is Unit.ratio and value > 1:
        raise ValueError(f"{name} is a share and never above 100 %; found {value * 100:g} %")
    live = LIVE_SIGNALS[name]
    hold_s = parse_seconds(match["hold"])
    return AbortRule(words, name, match["operator"], value, hold_s, live.unit, live.meaning)


def _on_observation(words: str, match: re.Match[str], observations: Collection[str]) -> AbortRule:
    name, quantity = match["name"], parse_quantity(match["value"])
    if name not in observations:
        raise ValueError(f"{name!r} is not observed while a run lasts. {nearest(name, observations)}")
    unit = unit_of_quantity(quantity)
    hold_s = parse_seconds(match["hold"])
    meaning = f"the reading of {name}"
    return AbortRule(words, name, match["operator"], quantity.to(unit), hold_s, unit, meaning)


class HeldRules:
    """Applies rules to numbers over time, and reports the first that held for its time."""

    def __init__(self, rules: Sequence[AbortRule]) -> None:
        self._rules = rules
        self._since_s: dict[str, float] = {}

    def restart(self) -> None:
        """Begin the time of every rule anew."""
        self._since_s.clear()

    def look(
        self, now_s: float, numbers: Mapping[str, float | None], read_s: Mapping[str, float] | None = None
    ) -> str:
        """Return why the run must end; "" to continue. An unknown number restarts its rules' times.

        `read_s` says when each number was read, by default now: no rule's time advances between two readings.
        """
        for rule in self._rules:
            value = numbers.get(rule.name)
            at_s = now_s if read_s is None else read_s.get(rule.name, now_s)
            if value is None or not OPERATORS[rule.operator](value, rule.value):
                self._since_s.pop(rule.text, None)
            elif at_s - self._since_s.setdefault(rule.text, at_s) >= rule.hold_s:
                return f"{rule.text}: {rule.meaning} was {write(value, rule.unit)}"
        return ""


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
