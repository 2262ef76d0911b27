"""Searches the reference cores: plans drawn and changed by a seed, steered towards unseen histories."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from driver.search.corpus import Corpus
from tests.simulation.anchors import ANCHORS
from tests.simulation.novelty import FeaturesWorld
from tests.simulation.plan import KINDS, TROUBLE_S, Plan, Trouble, draw_plan
from tests.simulation.shrink import breach_of
from wire.policies import POLICIES

MOST_TROUBLES = 10
FROM_CORPUS = 0.75
"""Share of plans that change one which showed something new."""


@dataclass(frozen=True)
class Found:
    """A plan that breaks an invariant: its number in the search, and the breach."""

    number: int
    plan: Plan
    breach: str


@dataclass
class SimulatedSearch:
    """A search of one seed. `plain`: each plan is drawn by itself, as `python -m tests.simulation` does."""

    seed: int
    plain: bool = False

    def __post_init__(self) -> None:
        self.corpus: Corpus[Plan] = Corpus()
        self.number = 0

    def step(self) -> Found | None:
        """Run the next plan; return it where it breaks an invariant."""
        number = self.number
        self.number += 1
        plan = self._next(number)
        world = FeaturesWorld(plan)
        breach = breach_of(world)
        if not self.plain:
            self.corpus.add(number, plan, world.features)
        return Found(number, plan, breach) if breach else None

    def _next(self, number: int) -> Plan:
        chance = random.Random(f"search {self.seed}/{number}")
        fresh = draw_plan(chance.randrange(2**31))
        if self.plain:
            return fresh
        if not self.corpus.entries or chance.random() > FROM_CORPUS:
            return _anchored(chance, fresh)
        parent = self.corpus.pick(chance).schedule
        for _ in range(chance.choice((1, 1, 2, 3))):
            parent = chance.choice(_CHANGES)(chance, parent, fresh)
        return replace(parent, troubles=in_order(parent.troubles))

    def run(self, most: int, budget_s: float, now_s: Callable[[], float] = time.monotonic) -> Found | None:
        """Run plans until one breaks an invariant, `most` were run, or the budget is used up."""
        deadline_s = now_s() + budget_s
        while self.number < most and now_s() < deadline_s:
            found = self.step()
            if found is not None:
                return found
        return None


def in_order(troubles: tuple[Trouble, ...]) -> tuple[Trouble, ...]:
    """Return troubles in order of time."""
    return tuple(sorted(troubles, key=lambda one: (one.at_s, one.kind, one.worker)))


def _drawn_trouble(chance: random.Random, workers: int) -> Trouble:
    kind = chance.choices(list(KINDS), list(KINDS.values()))[0]
    when = chance.choice(ANCHORS) if chance.random() < 0.6 else ""
    return Trouble(
        round(chance.uniform(0, TROUBLE_S), 3),
        kind,
        chance.randint(1, workers),
        round(chance.choice((0.05, 0.3, 1.0, 6.0)) * chance.uniform(0.5, 1.0), 3),
        when,
        1 + int(chance.expovariate(0.5)) if when else 1,
    )


def _anchored(chance: random.Random, plan: Plan) -> Plan:
    """Return a drawn plan with anchors for some of its troubles."""
    troubles = tuple(
        replace(one, when=chance.choice(ANCHORS), nth=1 + int(chance.expovariate(0.5)))
        if chance.random() < 0.4
        else one
        for one in plan.troubles
    )
    return replace(plan, troubles=in_order(troubles))


def _with(plan: Plan, place: int, one: Trouble) -> Plan:
    return replace(plan, troubles=(*plan.troubles[:place], one, *plan.troubles[place + 1 :]))


def _place(chance: random.Random, plan: Plan) -> int | None:
    return chance.randrange(len(plan.troubles)) if plan.troubles else None


def _move(chance: random.Random, plan: Plan, fresh: Plan) -> Plan:
    place = _place(chance, plan)
    if place is None:
        return plan
    one = plan.troubles[place]
    at_s = min(max(0.0, one.at_s + chance.gauss(0, 0.4)), TROUBLE_S)
    return _with(plan, place, replace(one, at_s=round(at_s, 3)))


def _align(chance: random.Random, plan: Plan, fresh: Plan) -> Plan:
    place, beside = _place(chance, plan), _place(chance, plan)
    if place is None or beside is None:
        return plan
    other = plan.troubles[beside]
    at_s = min(other.at_s + chance.choice((0.0, 0.0, other.for_s)), TROUBLE_S)
    worker = other.worker if chance.random() < 0.7 else plan.troubles[place].worker
    return _with(plan, place, replace(plan.troubles[place], at_s=at_s, worker=worker))


def _anchor(chance: random.Random, plan: Plan, fresh: Plan) -> Plan:
    place = _place(chance, plan)
    if place is None:
        return plan
    one, nth = plan.troubles[place], 1 + int(chance.expovariate(0.5))
    return _with(plan, place, replace(one, when=chance.choice((*ANCHORS, "")), nth=nth))


def _resize(chance: random.Random, plan: Plan, fresh: Plan) -> Plan:
    place = _place(chance, plan)
    if place is None:
        return plan
    one = plan.troubles[place]
    for_s = min(max(0.02, one.for_s * chance.choice((0.25, 0.5, 2, 4))), 6.0)
    return _with(plan, place, replace(one, for_s=round(for_s, 3)))


def _change(chance: random.Random, plan: Plan, fresh: Plan) -> Plan:
    place = _place(chance, plan)
    return plan if place is None else _with(plan, place, _drawn_trouble(chance, plan.workers))


def _add(chance: random.Random, plan: Plan, fresh: Plan) -> Plan:
    if len(plan.troubles) >= MOST_TROUBLES:
        return plan
    return replace(plan, troubles=(*plan.troubles, _drawn_trouble(chance, plan.workers)))


def _leave_out(chance: random.Random, plan: Plan, fresh: Plan) -> Plan:
    place = _place(chance, plan)
    if place is None or len(plan.troubles) == 1:
        return plan
    return replace(plan, troubles=plan.troubles[:place] + plan.troubles[place + 1 :])


def _other_tasks(chance: random.Random, plan: Plan, fresh: Plan) -> Plan:
    return replace(plan, tasks=fresh.tasks)


def _other_settings(chance: random.Random, plan: Plan, fresh: Plan) -> Plan:
    return replace(
        plan, seed=fresh.seed, policy=chance.choice(sorted(POLICIES)),
        adaptive_heartbeat=fresh.adaptive_heartbeat, waiting_messages=chance.choice((1, 10_000, 10_000)),
    )  # fmt: skip


_CHANGES: tuple[Callable[[random.Random, Plan, Plan], Plan], ...] = (
    *(_move, _align, _anchor, _anchor, _resize, _change, _add, _add, _leave_out, _other_tasks),
    _other_settings,
)
