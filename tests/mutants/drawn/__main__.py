"""`python -m tests.mutants.drawn --count 500 --seed 1`: draw mutants, try each, and write the page.

Each result is a line in .stormlab/mutants/drawn-SEED.jsonl: with --resume a run goes on where one ended.

Exit status: 0 when enough are caught, 1 when not, 2 when it was stopped before its end, 70 when the code
without a mutant does not pass, or a tool cannot be had.
"""

from __future__ import annotations

import argparse
import hashlib
import sys

from tests.mutants.apply import DefectError
from tests.mutants.catchers import Caught
from tests.mutants.drawn import choice, golang, page, python
from tests.mutants.drawn.mutant import Mutant
from tests.mutants.drawn.results import Results
from tests.mutants.drawn.rooms import ROOMS, SEEDS, TOXICS, Room
from tests.mutants.drawn.trial import control, try_all
from tests.mutants.sandbox import ROOT

ENOUGH, TOO_FEW, STOPPED, BROKEN = 0, 1, 2, 70
WHOLE = 500
"""With as many, the page is written."""


def draw(rooms: list[Room], count: int, seed: int) -> list[Mutant]:
    """Draw `count` mutants, from each room its share, in an order in which all rooms are mixed. Raises
    DefectError.
    """
    whole = sum(room.share for room in rooms)
    drawn: list[Mutant] = []
    for room in rooms:
        mine = round(count * room.share / whole)
        if room is TOXICS:
            drawn += golang.draw(mine, seed)
        else:
            drawn += python.draw(ROOT, room.name, room.files(ROOT), mine, seed)
    return sorted(drawn, key=lambda mutant: hashlib.sha256(f"{seed} {mutant.key}".encode()).digest())


def _arguments() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(prog="python -m tests.mutants.drawn", description=__doc__)
    arguments.add_argument("--count", type=int, default=WHOLE, help=f"number of mutants ({WHOLE})")
    arguments.add_argument("--seed", type=int, default=1, help="what they are drawn by (1)")
    arguments.add_argument("--jobs", type=int, default=2, help="how many at a time (2)")
    names = [room.name for room in ROOMS]
    arguments.add_argument("--rooms", nargs="+", choices=names, default=names, help="from these rooms alone")
    arguments.add_argument("--resume", action="store_true", help="take the results of an earlier run")
    arguments.add_argument("--list", action="store_true", help="show what is drawn, and try nothing")
    return arguments.parse_args()


def main() -> int:
    """Read the command line, run the control, then the mutants."""
    chosen = _arguments()
    rooms = [room for room in ROOMS if room.name in chosen.rooms]
    try:
        mutants = draw(rooms, chosen.count, chosen.seed)
        if chosen.list:
            print(*(f"{mutant.operator}  {mutant.key}" for mutant in mutants), sep="\n")
            return ENOUGH
        state = choice.tree()
        results = Results(chosen.seed, state, resume=chosen.resume)
        measured = control(rooms, state)
        if isinstance(measured, Caught):
            print(f"the code without a mutant does not pass: {measured.by}: {measured.because}")
            return BROKEN
        print(f"{len(mutants)} mutants are drawn; the control, without one, passes", flush=True)
        trials = try_all(
            mutants, measured, chosen.jobs, results, lambda trial: print(page.line(trial), flush=True)
        )
    except DefectError as error:
        print(error, file=sys.stderr)
        return BROKEN
    known = page.reasons()
    print(page.summary(trials, known))
    if trials and chosen.count >= WHOLE and len(rooms) == len(ROOMS):
        page.write(trials, len(mutants), chosen.seed, SEEDS)
        print(f"written: {page.PAGE}")
    if len(trials) < len(mutants):
        print(f"stopped after {len(trials)} of {len(mutants)}; go on: the same command with --resume")
        return STOPPED
    return ENOUGH if page.share_caught(trials, known) >= page.LEAST else TOO_FEW


if __name__ == "__main__":
    sys.exit(main())
