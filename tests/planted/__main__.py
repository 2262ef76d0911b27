"""`python -m tests.planted`: searches for each planted defect with two arms of equal time, steered and plain.

Each arm runs the simulation in a copy of the compiled modules, for `--seconds` of processor time at most; the
files that have defects are not compiled, so that one build serves all. What is found is made small and run
again 20 times, once for both arms. `--write` keeps the table in docs/search.md.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import msgspec

from tests import proofs
from tests.mutants.apply import apply
from tests.planted.catalogue import HERE, SCHEDULES, PlantedDefect, load_all
from tests.planted.page import table, write
from tests.planted.trial import ArmResult
from tests.simulation import compiled
from tests.simulation.found_plans import encoded, load
from tests.simulation.shrink import size_of

LIMIT_S = 7_200.0


def built() -> Path:
    """Return the folder of compiled modules into which defects can be put. Raises NotCompiledError."""
    files = {defect.file for defect in load_all()}
    return compiled.folder("planted", files, (HERE / "__init__.py", HERE / "trial.py"))


def run_arm(folder: Path, defect: PlantedDefect, seed: int, seconds: float, *flags: str) -> ArmResult:
    """Search for one defect in a copy of `folder`. Raises CalledProcessError where the copy does not run."""
    with tempfile.TemporaryDirectory(prefix="planted-") as copy:
        root = Path(copy) / "tree"
        shutil.copytree(folder, root)
        apply(defect.as_mutant(), root)
        asked = [sys.executable, "-m", "tests.planted.trial", "--seed", str(seed), "--seconds", str(seconds)]
        done = subprocess.run(
            [*asked, *flags], cwd=root, capture_output=True, text=True,
            timeout=LIMIT_S, check=True,
        )  # fmt: skip
    return msgspec.json.decode(done.stdout, type=ArmResult)


def run_both(
    folder: Path, defect: PlantedDefect, *, seed: int, seconds: float
) -> tuple[ArmResult, ArmResult]:
    """Search for one defect with both arms, the steered one first."""
    steered = run_arm(folder, defect, seed, seconds)
    flags = ("--plain", "--only-find") if steered.breach else ("--plain",)
    return steered, run_arm(folder, defect, seed, seconds, *flags)


def main() -> int:
    """Run all defects, or those that are named; return 0."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("names", nargs="*", help="defects; all by default")
    arguments.add_argument("--seconds", type=float, default=60.0, help="processor time of each arm")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--jobs", type=int, default=1, help="defects at once")
    arguments.add_argument("--keep", type=Path, metavar="FILE", help="go on with the results in this file")
    arguments.add_argument("--write", action="store_true")
    arguments.add_argument(
        "--schedules", action="store_true", help="keep the smallest schedule of each in schedules/"
    )
    chosen = arguments.parse_args()
    results = _kept(chosen.keep)
    folder = built()
    left = [
        defect
        for defect in load_all()
        if defect.name not in results and (not chosen.names or defect.name in chosen.names)
    ]
    with ThreadPoolExecutor(chosen.jobs) as pool:
        both = partial(run_both, folder, seed=chosen.seed, seconds=chosen.seconds)
        for defect, arms in zip(left, pool.map(both, left), strict=True):
            results[defect.name] = arms
            print(defect.name, *arms, sep="\n  ", flush=True)
            if chosen.schedules:
                keep_schedule(defect, arms)
            if chosen.keep:
                chosen.keep.write_bytes(msgspec.json.encode(results))
    print(table(results, chosen.seconds))
    if chosen.write:
        write(results, chosen.seconds, proofs.commit())
    return 0


def keep_schedule(defect: PlantedDefect, arms: tuple[ArmResult, ArmResult]) -> None:
    """Keep what was left of the plan that found a defect, unless a schedule of no more troubles is there."""
    path = SCHEDULES / f"{defect.name}.json"
    for arm in arms:
        plan = arm.schedule
        if plan is None or (path.exists() and size_of(load(path).plan) <= size_of(plan)):
            continue
        path.write_bytes(encoded(plan, arm.breach))


def _kept(file: Path | None) -> dict[str, tuple[ArmResult, ArmResult]]:
    if file is None or not file.exists():
        return {}
    kept = msgspec.json.decode(file.read_bytes(), type=dict[str, tuple[ArmResult, ArmResult]])
    names = {defect.name for defect in load_all()}
    return {name: arms for name, arms in kept.items() if name in names}


if __name__ == "__main__":
    sys.exit(main())
