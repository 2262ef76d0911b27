"""Rules that end a run early: `connected < 10% for 60s`. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from chaos.explain import nearest
from driver.metrics.metric import Unit
from driver.metrics.quantities import OPERATORS, parse_quantity, parse_seconds, unit_of_quantity, write
from driver.scenarios.thresholds import MAX_CHARACTERS

_RULE = re.compile(r"(?P<name>[\w-]+)\s*(?P<operator><=|>=|<|>)\s*(?P<value>.+?)\s+for\s+(?P<hold>.+)")


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


def parse_abort(text: str, observations: Collection[str]) -> AbortRule:
    """Return the rule in `my-queue > 500 for 10s` on one of these observations.

    Raises ValueError with a sentence.
    """
    match = match_rule(text)
    name, quantity = match["name"], parse_quantity(match["value"])
    if name not in observations:
        raise ValueError(f"{name!r} is not observed while a run lasts. {nearest(name, observations)}")
    unit = unit_of_quantity(quantity)
    return made_rule(match, quantity.to(unit), unit, f"the reading of {name}")


def match_rule(text: str) -> re.Match[str]:
    """Return the name, operator, value and time of a rule. Raises ValueError for a text that is none."""
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"expected at most {MAX_CHARACTERS} characters; found {len(text)}")
    words = " ".join(text.split())
    match = _RULE.fullmatch(words)
    if match is None:
        raise ValueError(f"expected a rule like 'connected < 10% for 60s'; found {words!r}")
    return match


def made_rule(match: re.Match[str], value: float, unit: Unit, meaning: str) -> AbortRule:
    """Return the rule of a match. Raises ValueError for a time that is none."""
    hold_s = parse_seconds(match["hold"])
    return AbortRule(match.string, match["name"], match["operator"], value, hold_s, unit, meaning)


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
