"""`python -m tests.outside_judge export results/RUN` writes a stored run's operations as JSON lines; with
`--register LOAD` or `--queue LOAD` those of a load on a foreign system.

`second results/RUN` asks Porcupine about each register and queue that the run expects, and compares its
answer with the run's finding.
`agree` asks our checks and Porcupine about thousands of histories of the simulation, broken ones among them,
and our claims and Porcupine about registers and queues.
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
from tests.outside_judge import page, system_operations
from tests.outside_judge.agreement import DEFECTS, Tally, agree
from tests.outside_judge.checker import CheckerError, build, judge
from tests.outside_judge.operations import lines, operations
from tests.outside_judge.second_opinion import OpinionError, opinions_on
from tests.outside_judge.system_agreement import agree_on_systems

AGREED, DIFFERED, USE, BROKEN = 0, 1, 64, 70
TOLD = 20


def export(run: Path, *, judged: bool, register: str = "", queue: str = "", how: str = "") -> int:
    """A stored run's operations to standard output, or what Porcupine says of them.

    `register` and `queue` are loads of a run of a foreign system; `how` often a queue delivers.
    """
    if not any(find_journals(run / JOURNALS).journals):
        print(f"{run} holds no journals; expected the folder of a run (results/…)", file=sys.stderr)
        return USE
    try:
        text = _text(run, register, queue, how)
    except ValueError as error:
        print(error, file=sys.stderr)
        return USE
    if not judged:
        sys.stdout.buffer.write(text)
        return AGREED
    (answer,) = judge(build(), [text])
    print(f"{answer.history}: {answer.verdict} {answer.task} ({answer.operations} operations)")
    return AGREED if answer.verdict == "linearizable" else DIFFERED


def second(run: Path) -> int:
    """Print what Porcupine says of each register and queue of a stored run, beside the run's own finding."""
    try:
        opinions = opinions_on(run, lambda text: judge(build(), [text])[0].verdict)
    except OpinionError as error:
        print(error, file=sys.stderr)
        return USE
    print(*opinions, sep="\n")
    return DIFFERED if any(one.differs for one in opinions) else AGREED


def _text(run: Path, register: str, queue: str, how: str) -> bytes:
    """The operations as lines. Raises ValueError where a load has operations of another kind, or none."""
    history = read_history(run)
    if not register and not queue:
        return lines(run.name, operations(history))
    make = system_operations.of_register if register else system_operations.of_queue
    found = make(history, register or queue)
    if not found:
        raise ValueError(f"{run.name} has no operation of the load {register or queue!r}")
    return system_operations.lines(run.name, system_operations.REGISTER if register else how, found)


def all_agree(seeds: int, defect_seeds: int, jobs: int, *, write: bool) -> int:
    """The table of the simulation's histories."""
    began_s = time.monotonic()
    return _kept("agreement", agree(build(), seeds, DEFECTS, defect_seeds, jobs), began_s, write=write)


def systems_agree(seeds: int, jobs: int, *, write: bool) -> int:
    """The table of registers and queues."""
    began_s = time.monotonic()
    return _kept("systems", agree_on_systems(build(), seeds, jobs), began_s, write=write)


def _kept(block: str, tally: Tally, began_s: float, *, write: bool) -> int:
    print(page.table(tally))
    for sentence in tally.differing[:TOLD]:
        print(sentence)
    if tally.differing:
        print(f"{len(tally.differing)} of {tally.histories} histories are judged differently")
        return DIFFERED
    if write:
        page.write(block, tally, time.monotonic() - began_s)
        print(f"written: {page.PAGE}")
    return AGREED


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.outside_judge", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    exporting = commands.add_parser("export", help="a stored run's operations as JSON lines")
    exporting.add_argument("run", type=Path)
    exporting.add_argument("--judge", action="store_true", help="say what Porcupine thinks of them instead")
    exporting.add_argument("--register", metavar="LOAD", default="", help="a load's reads and writes")
    exporting.add_argument("--queue", metavar="LOAD", default="", help="a load's enqueues and dequeues")
    exporting.add_argument("--how", choices=system_operations.QUEUES, default="exactly once")
    asking = commands.add_parser("second", help="a second opinion on a stored run's registers and queues")
    asking.add_argument("run", type=Path)
    agreeing = commands.add_parser("agree", help="ask both judges about histories of the simulation")
    agreeing.add_argument("--seeds", type=int, default=2_000, help="how many runs, each altered some times")
    agreeing.add_argument("--defect-seeds", type=int, default=150, help="how many runs of each defect")
    agreeing.add_argument("--systems", type=int, default=7_000, help="how many registers and queues")
    agreeing.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    agreeing.add_argument("--write", action="store_true", help="put the table into docs/outside_judge.md")
    chosen = parser.parse_args()
    try:
        if chosen.command == "export":
            return export(
                chosen.run, judged=chosen.judge, register=chosen.register, queue=chosen.queue, how=chosen.how
            )
        if chosen.command == "second":
            return second(chosen.run)
        of_tasks = all_agree(chosen.seeds, chosen.defect_seeds, chosen.jobs, write=chosen.write)
        return max(of_tasks, systems_agree(chosen.systems, chosen.jobs, write=chosen.write))
    except CheckerError as error:
        print(error, file=sys.stderr)
        return BROKEN


if __name__ == "__main__":
    sys.exit(main())
