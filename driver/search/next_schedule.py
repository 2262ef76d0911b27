"""Which schedule of a search comes next: a new one, or a changed one that showed something new. Pure."""

from __future__ import annotations

import random

from driver.search.corpus import Corpus
from driver.search.draw_schedule import draw, mutate
from driver.search.fault_space import FaultSpace
from driver.search.schedule import Schedule


def next_schedule(
    seed: int, number: int, space: FaultSpace, corpus: Corpus[Schedule]
) -> tuple[Schedule, int | None]:
    """Return schedule `number` of a search, and the number of the one that it changes.

    Each second one is drawn by the seed alone, and is the same in every search of that seed; the others
    change what showed something new, and are the same where the schedules before showed the same.
    """
    chance = random.Random(f"{seed}/{number}")
    if number % 2 == 1 or not corpus.entries:
        return draw(chance, space), None
    parent = corpus.pick(chance)
    other = chance.choice(corpus.entries)
    return mutate(chance, space, parent.schedule, other.schedule), parent.number
