"""Histories of the simulation, each with what our checks say of it.

`python -m tests.outside_judge.gather` writes those of a copy of the code that has a defect.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from random import Random

import msgspec

import wire
from tests.outside_judge.alterations import ALTERATIONS
from tests.outside_judge.operations import lines, operations
from tests.outside_judge.ours import breach
from tests.outside_judge.recording import Journals, as_history, copied, record

AS_IT_WAS = "as it was"


class Case(msgspec.Struct, frozen=True):
    """One history: how it came about, what our checks say ("" when nothing), and its operations as lines."""

    name: str
    kind: str
    ours: str
    text: str


def case(seed: int, kind: str, journals: Journals) -> Case:
    """A history before our checks."""
    history = as_history(journals)
    name = f"seed {seed}, {kind}"
    return Case(name, kind, breach(history), lines(name, operations(history)).decode())


def cases(seed: int, altered: int) -> Iterator[Case]:
    """A seed's history as it was, and after a number of alterations, taken in turn."""
    journals = record(seed)
    yield case(seed, AS_IT_WAS, journals)
    names = list(ALTERATIONS)
    for turn in range(altered):
        kind = names[(seed * altered + turn) % len(names)]
        changed = copied(journals)
        if ALTERATIONS[kind](changed, Random(f"{seed} {kind}")):
            yield case(seed, kind, changed)


def main() -> int:
    """Write the cases of some seeds as JSON lines, after the tree that was run."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--first", type=int, required=True)
    arguments.add_argument("--seeds", type=int, required=True)
    chosen = arguments.parse_args()
    print(wire.__path__[0])
    for seed in range(chosen.first, chosen.first + chosen.seeds):
        for each in cases(seed, 0):
            print(msgspec.json.encode(each).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
