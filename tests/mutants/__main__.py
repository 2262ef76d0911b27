"""`python -m tests.mutants`: put every defect into a copy of the code, and run the tests that must catch it.

Exit status: 0 when all are caught and the control passes, 1 when one survives, 70 when one could not be run.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from tests.mutants import page
from tests.mutants.apply import Defect, DefectError, load
from tests.mutants.catalogue import CATALOGUE
from tests.mutants.trial import Trial, attempt, attempt_fast, control, is_fast

CAUGHT, SURVIVED, BROKEN = 0, 1, 70


def try_all(defects: list[Defect], jobs: int) -> list[Trial]:
    """Every defect before all its catchers, with a line for each as it comes."""
    trials = []
    with ThreadPoolExecutor(jobs) as pool:
        for trial in pool.map(attempt, defects):
            print(page.line(trial), flush=True)
            trials.append(trial)
    return trials


def full(defects: list[Defect], jobs: int) -> int:
    """The whole table; the page is written when all defects were tried."""
    began_s = time.monotonic()
    trials = try_all(defects, jobs)
    print(page.summary(trials))
    if len(defects) == len(CATALOGUE):
        page.write(trials, time.monotonic() - began_s)
        print(f"written: {page.PAGE}")
    survivors = [trial.defect for trial in trials if trial.survives]
    for defect in survivors:
        print(f"{defect.name} survives: {defect.wrong}")
    return SURVIVED if survivors else CAUGHT


def fast(defects: list[Defect], jobs: int) -> int:
    """Only the cheapest catcher of each."""
    outcomes = attempt_fast(defects, jobs)
    for defect, caught in zip(defects, outcomes, strict=True):
        outcome = f"{caught.by} ({caught.after_s:.1f} s)" if caught else "SURVIVES its cheapest catcher"
        print(f"{defect.name:42}  {outcome}")
    return CAUGHT if all(outcomes) else SURVIVED


def main() -> int:
    """Read the command line, run the control, then the defects."""
    arguments = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    arguments.add_argument("--only", metavar="NAME", nargs="+", help="these defects alone")
    arguments.add_argument("--jobs", type=int, default=2, help="how many at a time (2)")
    arguments.add_argument("--fast", action="store_true", help="the cheapest catcher of each, and no page")
    chosen = arguments.parse_args()
    try:
        defects = [load(name) for name in chosen.only or CATALOGUE]
        if chosen.fast:
            defects = [defect for defect in defects if is_fast(defect)]
        if noticed := control(defects, fast=chosen.fast):
            print(f"the code without a defect does not pass: {noticed.by}: {noticed.because}")
            return BROKEN
        print("the control, without a defect, passes", flush=True)
        return (fast if chosen.fast else full)(defects, chosen.jobs)
    except DefectError as error:
        print(error, file=sys.stderr)
        return BROKEN


if __name__ == "__main__":
    sys.exit(main())
