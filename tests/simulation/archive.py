"""The states that a search has reached, each with a plan that leads to it, and the next one to go on from."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from tests.simulation.novelty import Moment, State
from tests.simulation.plan import KINDS, Plan, Trouble
from tests.simulation.short_plan import draw_length_s, in_order

MOST_TROUBLES: Final = 4
DRAWN: Final = 24
ANOTHER: Final = 0.5
"""Share of plans of as many troubles that take the place of the one that led to a state before."""
_KINDS: Final = tuple(KINDS)

_HARMFUL: Final = frozenset("AEL")
"""Rows that must not be forgotten: an attempt's begin and end, and a release."""

Reached = tuple[str, ...]
"""An event or frame, and the views of the state in which it came."""


@dataclass(frozen=True)
class Way:
    """A plan that leads to a state: it is reached at event number `nth` of the kind `name` about a worker."""

    plan: Plan
    at_ms: int
    name: str
    worker: int
    nth: int


@dataclass
class Archive:
    """The states that were reached, and how often each kind of trouble was aimed at what.

    A run up to a moment is the same each time, so a plan leads to its moments again, and one trouble more
    there is a step further. (Ecoffet et al., First return, then explore, Nature 590, 2021.)
    """

    ways: dict[Reached, Way] = field(default_factory=dict)
    aims: Counter[Reached] = field(default_factory=Counter)
    _states: list[list[Reached]] = field(default_factory=lambda: [[] for _ in range(MOST_TROUBLES)])
    """By the number of troubles after which they were reached; each number has the same share of plans."""

    def add(self, chance: random.Random, plan: Plan, moments: Sequence[Moment]) -> None:
        """Add the moments of a plan's run, where no better plan leads to their states."""
        if len(plan.troubles) >= MOST_TROUBLES:
            return
        lasts_ms = plan.lasts_s * 1_000
        counts: Counter[tuple[str, str]] = Counter()
        for at_ms, name, worker, state, _ in moments:
            counts[name, worker] += 1
            if at_ms >= lasts_ms:
                break
            reached = reached_at(name, worker, state)
            known = self.ways.get(reached)
            if known is not None and not self._is_better(chance, plan, known):
                continue
            number = int(worker.split("-")[1]) if worker else chance.randint(1, plan.workers)
            its = f"worker-{number}"
            nth = counts[name, its] + counts[name, ""]
            if known is None or len(known.plan.troubles) > len(plan.troubles):
                self._states[len(plan.troubles)].append(reached)
            self.ways[reached] = Way(plan, at_ms, name, number, nth)

    def _is_better(self, chance: random.Random, plan: Plan, known: Way) -> bool:
        fewer = len(known.plan.troubles) - len(plan.troubles)
        return fewer > 0 or (fewer == 0 and chance.random() < ANOTHER)

    def further(self, chance: random.Random) -> Plan:
        """Return the plan of some state with one trouble more there: of some drawn pairs of a kind and a
        state, the one that was aimed at least.
        """
        assert self.ways, "a plan has been added"
        states = self._states[chance.choice([count for count, some in enumerate(self._states) if some])]
        drawn = [(chance.choice(_KINDS), chance.choice(states)) for _ in range(DRAWN)]
        kind, reached = max(drawn, key=lambda one: sum(1 / (1 + self.aims[key]) for key in _keys(*one)))
        self.aims.update(_keys(kind, reached))
        way = self.ways[reached]
        one = Trouble(0.0, kind, way.worker, draw_length_s(chance), way.name, way.nth)
        return replace(way.plan, troubles=in_order((*way.plan.troubles, one)))


def reached_at(name: str, worker: str, state: State) -> Reached:
    """Return a state as the archive keeps it: without loads, and without rows whose loss does no harm."""
    _, _, session, coordinator, disk, fleet = state
    forgot, unstored = disk.split(" ")
    lost = "forgot " if set(forgot) & _HARMFUL else ""
    left = "".join(one for one in unstored if one in _HARMFUL)
    phase = session.split(" ")[-2] if worker and session else ""
    return name, phase, coordinator, f"{lost}{left}", fleet


def _keys(kind: str, reached: Reached) -> tuple[Reached, ...]:
    name, session, coordinator, disk, fleet = reached
    return (
        (kind, "at", name),
        (kind, "session", session, coordinator),
        (kind, "coordinator", name, coordinator),
        (kind, "disk", name, disk),
        (kind, "fleet", name, fleet),
        (kind, "both", fleet, disk),
        (kind, *reached),
        reached,
    )
