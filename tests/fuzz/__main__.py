"""`python -m tests.fuzz --inputs 1000000` feeds a million hostile inputs: most in memory, some over sockets.
`--live 1000000` sends a million to one live coordinator; `--keep` writes the result into docs/proofs.md.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from os import cpu_count

from tests.fuzz.live import run_live
from tests.fuzz.live_fuzz import run_live_fuzz
from tests.fuzz.pure import Fuzzer, FuzzFoundError
from tests.proofs import commit, keep

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
    arguments.add_argument("--live", type=int, metavar="INPUTS", help="all of them over sockets")
    arguments.add_argument("--keep", action="store_true", help="with --live: write it into docs/proofs.md")
    arguments.add_argument("--seed", type=int, default=0)
    chosen = arguments.parse_args()
    if chosen.live is not None:
        return live(chosen.seed, chosen.live, chosen.keep)
    return in_memory(chosen.seed, chosen.inputs)


def live(seed: int, inputs: int, kept: bool) -> int:
    """Send `inputs` to one coordinator. Raises AssertionError when it fails, or answers one wrongly."""
    of = commit()
    summary = asyncio.run(run_live_fuzz(seed, inputs)).text()
    print(summary)
    if kept:
        keep("fuzz", summary, of)
    return 0


def in_memory(seed: int, inputs: int) -> int:
    """Most inputs in memory, and a hundredth over sockets. 1 when something else than a typed error came."""
    live = min(inputs // LIVE_SHARE, LIVE_MAX)
    sizes = [BATCH] * ((inputs - live) // BATCH) + [(inputs - live) % BATCH]
    seeds = range(seed, seed + len(sizes))
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
    attacks, faults, summary = asyncio.run(run_live(seed, live))
    took_s = time.monotonic() - began
    print(f"{attacks} inputs over sockets, {took_s:.0f} s: {summary}; {dict(faults.most_common())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
