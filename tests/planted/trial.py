"""One arm of the search for one planted defect, run inside the copy that has it; prints an ArmResult."""

from __future__ import annotations

import argparse
import sys
import time

import msgspec

from tests.simulation.plan import Plan
from tests.simulation.search import SimulatedSearch
from tests.simulation.shrink import broken_by, kind_of, shortest

REPLAYS = 20


class ArmResult(msgspec.Struct, frozen=True):
    """What one arm came to: `breach` is "" where nothing broke. Times are seconds of the processor.

    `troubles` and `left` count the troubles of the plan that broke, before and after it was made small;
    `replayed` is how often `schedule`, what was left, broke in the same way, of REPLAYS.
    """

    plans: int
    took_s: float
    breach: str = ""
    troubles: int = 0
    left: int = 0
    tasks_left: int = 0
    shrunk_s: float = 0.0
    replayed: int = 0
    schedule: Plan | None = None


def search(seed: int, seconds: float, *, plain: bool, only_find: bool = False) -> ArmResult:
    """Search for `seconds` of processor time at the most; make what breaks small, and run it again.

    With `only_find` nothing is made small.
    """
    arm = SimulatedSearch(seed, plain=plain)
    began_s = time.process_time()
    found = arm.run(sys.maxsize, seconds, time.process_time)
    took_s = round(time.process_time() - began_s, 1)
    if found is None:
        return ArmResult(arm.number, took_s)
    if only_find:
        return ArmResult(arm.number, took_s, found.breach, len(found.plan.troubles))
    began_s = time.process_time()
    small = shortest(found.plan)
    shrunk_s = round(time.process_time() - began_s, 1)
    again = [broken_by(small) for _ in range(REPLAYS)]
    same = sum(one is not None and kind_of(one[0]) == kind_of(found.breach) for one in again)
    return ArmResult(
        arm.number, took_s, found.breach, len(found.plan.troubles), len(small.troubles), len(small.tasks),
        shrunk_s, same, small,
    )  # fmt: skip


def main() -> int:
    """Print the result; return 0, whether something broke or not."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seed", type=int, required=True)
    arguments.add_argument("--seconds", type=float, required=True)
    arguments.add_argument("--plain", action="store_true")
    arguments.add_argument("--only-find", action="store_true")
    chosen = arguments.parse_args()
    result = search(chosen.seed, chosen.seconds, plain=chosen.plain, only_find=chosen.only_find)
    print(msgspec.json.encode(result).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
