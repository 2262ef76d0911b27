"""Many seeds on all cores, in parts that add up."""

from __future__ import annotations

import gc
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.parts import Part
from tests.simulation.plan import draw_plan
from tests.simulation.shrink import broken_by

BATCH = 50
PART = 20_000
PROGRESS_EVERY_S = 5.0


def failing(seeds: range) -> list[int]:
    """Those of `seeds` whose run breaks an invariant."""
    # A run leaves its garbage at its end: to look for it all the while only costs time.
    gc.disable()
    bad = [seed for seed in seeds if broken_by(draw_plan(seed)) is not None]
    gc.collect()
    return bad


def run_many(
    first: int,
    count: int,
    jobs: int | None = None,
    *,
    nice: int = 0,
    code: str = "",
    keep: Callable[[Part], None] = lambda part: None,
) -> list[Part]:
    """Run `count` seeds from `first` on `jobs` cores (all of them), with a line of progress every few
    seconds. `keep` is given each part of PART seeds as it is done.

    Ctrl-C ends it after the seeds that are being run, and what was done until then is a part too.
    """
    parts: list[Part] = []
    for at in range(first, first + count, PART):
        wanted = min(PART, first + count - at)
        # Each part has processes of its own: some of what ships is made without heed of circles, and a world
        # leaves a little behind.
        with ProcessPoolExecutor(jobs or os.cpu_count(), initializer=_begin, initargs=(nice,)) as pool:
            part = _run_part(pool, at, wanted, code)
        parts.append(part)
        print(part, flush=True)
        keep(part)
        if part.count < wanted:
            rest = first + count - at - part.count
            print(f"stopped; the rest: --first {at + part.count} --seeds {rest}")
            break
    return parts


def _run_part(pool: ProcessPoolExecutor, first: int, count: int, code: str) -> Part:
    batches = [range(at, min(at + BATCH, first + count)) for at in range(first, first + count, BATCH)]
    bad: list[int] = []
    done = 0
    began = reported = time.monotonic()
    results = pool.map(failing, batches)
    try:
        for batch, found in zip(batches, results, strict=True):
            bad += found
            done += len(batch)
            if time.monotonic() - reported > PROGRESS_EVERY_S:
                reported = time.monotonic()
                print(f"{done} of {count} seeds, {len(bad)} failing, {reported - began:.0f} s", flush=True)
    except KeyboardInterrupt:
        pool.shutdown(wait=False, cancel_futures=True)
    return Part(first, done, tuple(bad), round(time.monotonic() - began, 1), code)


def _begin(nice: int) -> None:
    """Initialise a process of the pool: its parent alone handles Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(nice)
    # Objects from before the first seed are permanent: they leave the collector's generations.
    gc.freeze()
