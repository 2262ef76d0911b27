"""`python -m tests.mutants.hunt --seeds 300`: the simulation, seed after seed, until an invariant breaks.

Prints one line of JSON, a Hunt. Run inside the copy that has the defect.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time

import msgspec

import wire
from tests.simulation.plan import draw_plan
from tests.simulation.world import World
from worker.session import ImpossibleTransitionError


class Hunt(msgspec.Struct, frozen=True):
    """`seed` broke, and this is what; None where all of `seeds` ran well. `code` is the tree that was run."""

    seed: int | None
    because: str
    seeds: int
    took_s: float
    code: str


def hunt(seeds: int) -> Hunt:
    """Run seeds 0, 1, … until one breaks.

    A process that ends itself (AssertionError, ImpossibleTransitionError) is a catch. Whatever else is raised
    says that the defect left no code that runs, and is for the caller to see.
    """
    began_s = time.monotonic()
    for seed in range(seeds):
        try:
            World(draw_plan(seed)).run()
        except (AssertionError, ImpossibleTransitionError) as error:
            return _told(seed, str(error) or type(error).__name__, seed + 1, began_s)
    return _told(None, "", seeds, began_s)


def _told(seed: int | None, because: str, seeds: int, began_s: float) -> Hunt:
    return Hunt(seed, because, seeds, time.monotonic() - began_s, wire.__path__[0])


def main() -> int:
    """0, whether something broke or not."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seeds", type=int, required=True)
    arguments.add_argument("--cpu-s", type=int, help="end after so much processor time, by a signal")
    chosen = arguments.parse_args()
    if chosen.cpu_s:
        resource.setrlimit(resource.RLIMIT_CPU, (chosen.cpu_s, chosen.cpu_s + 1))
    print(msgspec.json.encode(hunt(chosen.seeds)).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
