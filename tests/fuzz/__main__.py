"""`python -m tests.fuzz --inputs 1000000` feeds so many hostile inputs: most in memory, some over sockets."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from os import cpu_count

from tests.fuzz.live import run_live
from tests.fuzz.pure import Fuzzer, FuzzFoundError

LIVE_SHARE = 100
LIVE_MAX = 10_000
BATCH = 10_000


def feed(seed: int, inputs: int) -> Counter[str]:
    """One batch in memory. Raises FuzzFoundError."""
    fuzzer = Fuzzer(seed)
    fuzzer.run(inputs)
    return fuzzer.outcomes


def main() -> int:
    """0 when nothing but typed errors came out."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--inputs", type=int, default=1_000_000)
    arguments.add_argument("--seed", type=int, default=0)
    chosen = arguments.parse_args()
    live = min(chosen.inputs // LIVE_SHARE, LIVE_MAX)
    sizes = [BATCH] * ((chosen.inputs - live) // BATCH) + [(chosen.inputs - live) % BATCH]
    seeds = range(chosen.seed, chosen.seed + len(sizes))
    began = time.monotonic()
    outcomes: Counter[str] = Counter()
    try:
        with ProcessPoolExecutor(cpu_count()) as pool:
            for found in pool.map(feed, seeds, sizes):
                outcomes += found
    except FuzzFoundError as error:
        print(f"in memory: {error}", file=sys.stderr)
        return 1
    took_s = time.monotonic() - began
    print(f"{outcomes.total()} inputs in memory, {took_s:.0f} s: {dict(outcomes.most_common())}", flush=True)
    began = time.monotonic()
    attacks, faults, told = asyncio.run(run_live(chosen.seed, live))
    took_s = time.monotonic() - began
    print(f"{attacks} inputs over sockets, {took_s:.0f} s: {told}; {dict(faults.most_common())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
