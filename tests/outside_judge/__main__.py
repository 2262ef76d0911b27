"""`python -m tests.outside_judge export results/RUN` writes a stored run's operations as JSON lines.

`agree` asks our checks and Porcupine about thousands of histories of the simulation, broken ones among them.
Exit status: 0 when they agree, 1 when not, 64 for a run that is not there, 70 when the judge cannot be built.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from driver.histories.journal_folder import find_journals
from driver.histories.journals import JOURNALS, read_history
from tests.outside_judge import page
from tests.outside_judge.agreement import DEFECTS, agree
from tests.outside_judge.checker import CheckerError, build, judge
from tests.outside_judge.operations import lines, operations

AGREED, DIFFERED, USE, BROKEN = 0, 1, 64, 70
TOLD = 20


def export(run: Path, *, judged: bool) -> int:
    """A stored run's operations to standard output, or what Porcupine says of them."""
    if not any(find_journals(run / JOURNALS).journals):
        print(f"{run} holds no journals; expected the folder of a run (results/…)", file=sys.stderr)
        return USE
    text = lines(run.name, operations(read_history(run)))
    if not judged:
        sys.stdout.buffer.write(text)
        return AGREED
    (answer,) = judge(build(), [text])
    print(f"{answer.history}: {answer.verdict} {answer.task} ({answer.operations} operations)")
    return AGREED if answer.verdict == "linearizable" else DIFFERED


def all_agree(seeds: int, defect_seeds: int, jobs: int, *, write: bool) -> int:
    """The whole table."""
    began_s = time.monotonic()
    tally = agree(build(), seeds, DEFECTS, defect_seeds, jobs)
    print(page.table(tally))
    for sentence in tally.differing[:TOLD]:
        print(sentence)
    if tally.differing:
        print(f"{len(tally.differing)} of {tally.histories} histories are judged differently")
        return DIFFERED
    if write:
        page.write(tally, time.monotonic() - began_s)
        print(f"written: {page.PAGE}")
    return AGREED


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.outside_judge", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    exporting = commands.add_parser("export", help="a stored run's operations as JSON lines")
    exporting.add_argument("run", type=Path)
    exporting.add_argument("--judge", action="store_true", help="say what Porcupine thinks of them instead")
    agreeing = commands.add_parser("agree", help="ask both judges about histories of the simulation")
    agreeing.add_argument("--seeds", type=int, default=2_000, help="how many runs, each altered some times")
    agreeing.add_argument("--defect-seeds", type=int, default=150, help="how many runs of each defect")
    agreeing.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    agreeing.add_argument("--write", action="store_true", help="put the table into docs/outside_judge.md")
    chosen = parser.parse_args()
    try:
        if chosen.command == "export":
            return export(chosen.run, judged=chosen.judge)
        return all_agree(chosen.seeds, chosen.defect_seeds, chosen.jobs, write=chosen.write)
    except CheckerError as error:
        print(error, file=sys.stderr)
        return BROKEN


if __name__ == "__main__":
    sys.exit(main())
