"""`python -m tests.simulation --seeds 10000` runs so many; `--seed 17` replays one and tells its story.

`--workers 50 --hours 1` is one long run of a large fleet.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from os import cpu_count

from tests.simulation.endurance import endure
from tests.simulation.invariants import BrokenError
from tests.simulation.plan import draw_plan
from tests.simulation.shrink import broken_by, report

BATCH = 50
TOLD = 3


def failing(seeds: range) -> list[int]:
    """Those of `seeds` whose run breaks an invariant."""
    # A run leaves its garbage at its end: to look for it all the while only costs time.
    gc.disable()
    bad = [seed for seed in seeds if broken_by(draw_plan(seed)) is not None]
    gc.collect()
    return bad


def run_many(first: int, count: int, jobs: int | None = None) -> list[int]:
    """The failing seeds among `count` from `first`, on all cores, with a line of progress every few
    seconds.
    """
    batches = [range(at, min(at + BATCH, first + count)) for at in range(first, first + count, BATCH)]
    bad: list[int] = []
    began = told = time.monotonic()
    with ProcessPoolExecutor(jobs or cpu_count()) as pool:
        for number, found in enumerate(pool.map(failing, batches), 1):
            bad += found
            if time.monotonic() - told > 5:
                told = time.monotonic()
                done = min(number * BATCH, count)
                print(f"{done} of {count} seeds, {len(bad)} failing, {told - began:.0f} s", flush=True)
    took_s = time.monotonic() - began
    print(f"{count} seeds in {took_s:.0f} s, {count / took_s:.0f} a second: {len(bad)} failing")
    return bad


def one_long_run(seed: int, workers: int, hours: float) -> int:
    """0 when nothing broke."""
    try:
        print(endure(seed, workers, hours))
    except BrokenError as error:
        print(f"{workers} workers, {hours} h, seed {seed}: {error}")
        return 1
    return 0


def main() -> int:
    """0 when nothing broke."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seeds", type=int, default=1_000)
    arguments.add_argument("--first", type=int, default=0)
    arguments.add_argument("--seed", type=int)
    arguments.add_argument("--jobs", type=int, default=cpu_count())
    arguments.add_argument("--workers", type=int, help="one long run of so many, with --hours")
    arguments.add_argument("--hours", type=float, default=1.0)
    chosen = arguments.parse_args()
    if chosen.workers is not None:
        return one_long_run(chosen.seed or 0, chosen.workers, chosen.hours)
    if chosen.seed is not None:
        told = report(chosen.seed)
        print(told or f"seed {chosen.seed}: nothing breaks")
        return 1 if told else 0
    bad = run_many(chosen.first, chosen.seeds, chosen.jobs)
    for seed in bad[:TOLD]:
        print(report(seed))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
