"""`python -m tests.mutants.search --seeds 300`: the simulation, seed after seed, until an invariant breaks.

Prints one line of JSON, a SearchResult. Run inside the copy that has the defect.
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


class SearchResult(msgspec.Struct, frozen=True):
    """The first seed that broke, and its breach; None where none of `seeds` did. `code` is the tree."""

    seed: int | None
    because: str
    seeds: int
    took_s: float
    code: str


def search(seeds: int) -> SearchResult:
    """Run seeds 0, 1, … until one breaks.

    An AssertionError or ImpossibleTransitionError of a process is a catch. Any other exception means that the
    code with the defect does not run, and is raised.
    """
    began_s = time.monotonic()
    for seed in range(seeds):
        try:
            World(draw_plan(seed)).run()
        except (AssertionError, ImpossibleTransitionError) as error:
            return _ended(seed, str(error) or type(error).__name__, seed + 1, began_s)
    return _ended(None, "", seeds, began_s)


def _ended(seed: int | None, because: str, seeds: int, began_s: float) -> SearchResult:
    return SearchResult(seed, because, seeds, time.monotonic() - began_s, wire.__path__[0])


def main() -> int:
    """Print the search. Return 0, whether a seed broke or not."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seeds", type=int, required=True)
    arguments.add_argument("--cpu-s", type=int, help="end after so much processor time, by a signal")
    chosen = arguments.parse_args()
    if chosen.cpu_s:
        resource.setrlimit(resource.RLIMIT_CPU, (chosen.cpu_s, chosen.cpu_s + 1))
    print(msgspec.json.encode(search(chosen.seeds)).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
