"""`python -m tests.defects` runs every scenario against the defects that it exists to catch.

`--only half_open` runs those of one scenario; `--list` prints them. The outcome of each run is kept in a
record. Exit status 0 when every defect was caught by its expected finding.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from tests.defects.pairs import PAIRS, Pair, all_pairs
from tests.defects.record import Record
from tests.defects.run import Place, judge_again, run_pair

ROOT = Path(__file__).resolve().parents[2]


def chosen(arguments: argparse.Namespace) -> list[Pair]:
    """The pairs that are asked for."""
    return [
        pair
        for pair in (all_pairs() if arguments.everywhere else PAIRS)
        if arguments.only in (None, pair.scenario) and arguments.defect in (None, pair.defect)
    ]


def main() -> int:
    """Run the chosen pairs. Return 0 when every one is caught."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", metavar="SCENARIO", help="the pairs of one scenario")
    parser.add_argument("--defect", metavar="NAME", help="the pairs of one defect")
    parser.add_argument(
        "--everywhere", action="store_true", help="lost and repeated work in every scenario too"
    )
    parser.add_argument("--list", action="store_true", help="only print the pairs")
    parser.add_argument("--judge", action="store_true", help="judge the kept runs again, and run none")
    parser.add_argument(
        "--results", type=Path, default=ROOT / "results" / "defects", help="where runs are kept"
    )
    parser.add_argument("--project", default="defects", help="the lab's name")
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    pairs = chosen(arguments)
    if not pairs:
        parser.error("no such pair; --list prints them all")
    if arguments.list:
        for pair in pairs:
            print(f"{pair.scenario} {pair.defect}")
        return 0
    if not arguments.judge:
        # What ships is built first: a defect is laid over it.
        subprocess.run([sys.executable, str(ROOT / "lab.py"), "build"], check=True, cwd=ROOT)
    record = Record(arguments.results / "record.json")
    place = Place(ROOT, arguments.results, arguments.project, arguments.seed)
    kept = record.all()
    if arguments.judge:
        pairs = [pair for pair in pairs if (pair.scenario, pair.defect) in kept]
    missed = 0
    for number, pair in enumerate(pairs, 1):
        if arguments.judge:
            outcome = judge_again(kept[pair.scenario, pair.defect], pair, place)
        else:
            outcome = run_pair(pair, place)
        record.keep(outcome)
        missed += not outcome.caught
        print(f"{number}/{len(pairs)} {outcome.sentence()}", flush=True)
    print(f"{len(pairs) - missed} of {len(pairs)} caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
