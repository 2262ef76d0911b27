"""`python -m tests.planted.states --plans 600`: how many states of the sound cores each arm reaches.

Both arms run the same number of plans. A state is one of the archive (tests/simulation/archive.py); deep are
those in which a crash has forgotten what must not be forgotten, while a worker holds what the coordinator
lacks.
"""

from __future__ import annotations

import argparse
import sys

from tests.simulation.archive import Reached, reached_at
from tests.simulation.novelty import FeaturesWorld
from tests.simulation.search import SimulatedSearch
from tests.simulation.shrink import breach_of


def states_of(world: FeaturesWorld) -> set[Reached]:
    """Return the states that a run has reached."""
    return {reached_at(name, worker, state) for _, name, worker, state, _ in world.moments}


def reached(seed: int, plans: int, *, plain: bool) -> set[Reached]:
    """Return the states that one arm reaches."""
    found: set[Reached] = set()
    search = SimulatedSearch(seed, plain=plain, look=lambda world: found.update(states_of(world)))
    for number in range(plans):
        if not plain:
            search.step()
            continue
        world = FeaturesWorld(search.next_plan(number))
        breach_of(world)
        found |= states_of(world)
    return found


def is_deep(state: Reached) -> bool:
    """Return whether something is forgotten, and a worker holds what the coordinator lacks."""
    *_, disk, fleet = state
    return disk.startswith("forgot") and bool({"R", "F"} & set(fleet))


def main() -> int:
    """Print a line for each arm; return 0."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--plans", type=int, default=600)
    arguments.add_argument("--seed", type=int, default=1)
    chosen = arguments.parse_args()
    for name in ("steered", "plain"):
        found = reached(chosen.seed, chosen.plans, plain=name == "plain")
        deep = sum(map(is_deep, found))
        print(f"{name}: {len(found)} states after {chosen.plans} plans, {deep} of them deep", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
