"""`python -m benchmarks` measures everything and writes the page; names measure only these, and print them.

`--keep` writes the figures of named ones too; `--quick` only sees that they work, and never writes.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback

from benchmarks.affinity import unpinned_afterwards
from benchmarks.catalogue import ALIASES, BENCHES, LAB, LAB_BENCHES, rows_of
from benchmarks.machine import origin
from benchmarks.page import PAGE, Measured, keep, lines

BROKEN = 70


def resolved(names: list[str]) -> list[str]:
    """Return the requested benchmarks: without a name all that need no lab; LAB means the others."""
    chosen = [ALIASES.get(name, name) for name in names or BENCHES]
    return [one for name in chosen for one in (LAB_BENCHES if name == LAB else (name,))]


def main() -> int:
    """Return 0 when every must is met, 1 when one is missed, 70 when a benchmark broke."""
    arguments = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = (*BENCHES, *LAB_BENCHES, LAB)
    arguments.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(names)}")
    arguments.add_argument("--keep", action="store_true")
    arguments.add_argument("--quick", action="store_true")
    chosen = arguments.parse_args()
    if unknown := sorted(set(chosen.names) - {*names, *ALIASES}):
        arguments.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(names)}")
    measured: dict[str, Measured] = {}
    broken = 0
    for name in resolved(chosen.names):
        print(f"\n{name}", flush=True)
        began_s = time.monotonic()
        try:
            with unpinned_afterwards():
                rows = rows_of(name)(quick=chosen.quick)
        except Exception:
            traceback.print_exc()
            broken += 1
            continue
        measured[name] = Measured(origin(), time.monotonic() - began_s, rows)
        print(lines(rows), flush=True)
    if (chosen.keep or not chosen.names) and not chosen.quick:
        keep(measured)
        print(f"written: {PAGE}")
    missed = [row.measure for found in measured.values() for row in found.rows if not row.is_met]
    print(
        f"{sum(len(found.rows) for found in measured.values())} rows, {len(missed)} missed, {broken} broken"
    )
    return BROKEN if broken else int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
