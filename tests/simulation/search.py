"""Searches the reference cores: short plans drawn and changed by a seed, steered towards unseen histories."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from driver.search.corpus import Corpus
from tests.simulation.archive import Archive
from tests.simulation.changes import changed
from tests.simulation.novelty import FeaturesWorld
from tests.simulation.plan import Plan
from tests.simulation.short_plan import draw_short_plan
from tests.simulation.shrink import breach_of
from tests.simulation.world import World

FROM_CORPUS: Final = 0.75
"""Share of plans that change one which showed something new."""
FURTHER: Final = 0.7
"""Share of those that go on from a state of the archive, by one trouble more."""
OTHER_LUCK: Final = 0.2
"""Share of these that keep the troubles and draw other delays."""
FIRST_TROUBLES: Final = 2
"""Troubles at most of half of the others: what they meet is found by changes, one trouble at a time."""
MOST_FEATURES: Final = 400_000
COLLECTED_EVERY: Final = 50
"""Plans from one collection of garbage to the next: a run leaves all of its own at its end."""


@dataclass(frozen=True)
class Found:
    """A plan that breaks an invariant: its number in the search, and the breach."""

    number: int
    plan: Plan
    breach: str


@dataclass
class SimulatedSearch:
    """A search of one seed. `plain`: each plan is drawn by itself. `look` is called with what a steered plan
    came to.
    """

    seed: int
    plain: bool = False
    look: Callable[[FeaturesWorld], None] | None = None

    def __post_init__(self) -> None:
        self.corpus: Corpus[Plan] = Corpus(most_features=MOST_FEATURES)
        self.archive = Archive()
        self.number = 0

    def step(self) -> Found | None:
        """Run the next plan; return it where it breaks an invariant."""
        number = self.number
        self.number += 1
        plan = self.next_plan(number)
        breach = breach_of(World(plan)) if self.plain else self._try(number, plan)
        return Found(number, plan, breach) if breach else None

    def _try(self, number: int, plan: Plan) -> str:
        world = FeaturesWorld(plan)
        breach = breach_of(world)
        if self.look is not None:
            self.look(world)
        self.archive.add(random.Random(f"archive {self.seed}/{number}"), plan, world.moments)
        self.corpus.add(number, plan, world.features, 1.0 + world.steps)
        return breach

    def next_plan(self, number: int) -> Plan:
        """Return plan `number`."""
        chance = random.Random(f"search {self.seed}/{number}")
        fresh = draw_short_plan(chance.randrange(2**31))
        if self.plain:
            return fresh
        if not self.archive.ways or chance.random() > FROM_CORPUS:
            is_short = chance.random() < 0.5
            most = chance.randint(0, FIRST_TROUBLES) if is_short else len(fresh.troubles)
            return replace(fresh, troubles=fresh.troubles[:most])
        if chance.random() < FURTHER:
            plan = self.archive.further(chance)
            return replace(plan, seed=fresh.seed) if chance.random() < OTHER_LUCK else plan
        parent = self.corpus.pick(chance).schedule
        other = chance.choice(self.corpus.entries).schedule
        return changed(chance, parent, other, fresh)

    def run(self, most: int, budget_s: float, now_s: Callable[[], float] = time.monotonic) -> Found | None:
        """Run plans until one breaks an invariant, `most` were run, or the budget is used up."""
        deadline_s = now_s() + budget_s
        gc.disable()
        try:
            while self.number < most and now_s() < deadline_s:
                found = self.step()
                if found is not None:
                    return found
                if self.number % COLLECTED_EVERY == 0:
                    gc.collect()
                    gc.freeze()
        finally:
            gc.enable()
        return None
