"""`python -m tests.simulation --seeds 10000` runs 10,000 seeds; `--seed 17` replays one, with its events.

`--search 60` draws and changes plans for a minute, steered towards histories that were not seen before, and
keeps what breaks, made small, in tests/regressions/found. `--workers 50 --hours 1` is one long run of a large
fleet (with `--write`, kept in docs/proofs.md). Runs use modules that mypyc compiled where there is a C
compiler; `--interpreted` runs the sources.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from functools import partial
from pathlib import Path

from tests import proofs
from tests.simulation import found_plans, parts
from tests.simulation.breach import BrokenError
from tests.simulation.compiled import (
    DIGESTS,
    DifferentError,
    NotCompiledError,
    check,
    folder,
    is_compiled,
)
from tests.simulation.digest import digest_of
from tests.simulation.endurance import endure
from tests.simulation.many import run_many
from tests.simulation.plan import draw_plan
from tests.simulation.search import SimulatedSearch
from tests.simulation.shrink import described, report, shortest

REPORTED_MAX = 3
STOPPED, LAB_BROKE = 2, 70
"""As in driver/exit_codes.py, which is not in the folder of compiled modules."""


def one_long_run(chosen: argparse.Namespace) -> int:
    """Run one long simulation. Return 0 when no invariant broke."""
    seed = chosen.seed or 0
    try:
        summary = str(endure(seed, chosen.workers, chosen.hours))
    except BrokenError as error:
        print(f"{chosen.workers} workers, {chosen.hours} h, seed {seed}: {error}")
        return 1
    print(summary)
    if chosen.write:
        proofs.keep("endurance", summary, chosen.code or _interpreted(), chosen.page)
    return 0


def _interpreted() -> str:
    return f"{proofs.commit()}, interpreted"


def many(chosen: argparse.Namespace) -> int:
    """Run many seeds. Return 0 when no invariant broke, 2 when interrupted before the end."""
    keep = partial(parts.keep, chosen.keep) if chosen.keep else lambda part: None
    code = chosen.code or _interpreted()
    done = run_many(chosen.first, chosen.seeds, chosen.jobs, nice=chosen.nice, code=code, keep=keep)
    bad = [seed for part in done for seed in part.failing]
    for seed in bad[:REPORTED_MAX]:
        print(report(seed))
    if bad:
        return 1
    return 0 if sum(part.count for part in done) == chosen.seeds else STOPPED


def search(chosen: argparse.Namespace) -> int:
    """Search for a plan that breaks an invariant; return 0 where none does."""
    one = SimulatedSearch(chosen.seed or 0, plain=chosen.plain)
    began_s = time.monotonic()
    found = one.run(sys.maxsize, chosen.search)
    took_s = time.monotonic() - began_s
    seen = "" if chosen.plain else f", {len(one.corpus.seen)} features"
    print(f"{one.number} plans in {took_s:.1f} s, {one.number / took_s:.0f} a second{seen}")
    if found is None:
        return 0
    plan = shortest(found.plan)
    path = found_plans.save(chosen.into, plan, found.breach)
    print(described(plan, f"plan {found.number}", f"pytest tests/regressions -k {path.stem}"))
    print(f"kept as {path}")
    return 1


def run_compiled(chosen: argparse.Namespace) -> None:
    """Replace this process by one of compiled modules. Raises NotCompiledError, DifferentError."""
    built = folder()
    check(built, [digest_of(draw_plan(seed)) for seed in range(DIGESTS)])
    keep = ["--keep", str(chosen.keep.resolve())] if chosen.keep else []
    keep += ["--into", str(chosen.into.resolve())]
    code = ["--code", chosen.code or f"{proofs.commit()}, compiled", "--page", str(proofs.PAGE)]
    print(f"compiled modules; {DIGESTS} seeds give the same histories as interpreted ones", flush=True)
    os.chdir(built)
    os.execv(sys.executable, [sys.executable, "-m", "tests.simulation", *sys.argv[1:], *keep, *code])


def _arguments() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--seeds", type=int, default=1_000, help="number of runs")
    arguments.add_argument("--first", type=int, default=0, help="first seed, for a part of a larger run")
    arguments.add_argument("--seed", type=int, help="one run, and its events where it breaks")
    arguments.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at once")
    arguments.add_argument("--nice", type=int, default=0, help="their niceness")
    arguments.add_argument("--keep", type=Path, metavar="FILE", help="add a line for each part that is done")
    arguments.add_argument("--add-up", type=Path, metavar="FILE", help="what the parts in FILE come to")
    arguments.add_argument(
        "--write", action="store_true", help="and keep that in docs/proofs.md, or a long run"
    )
    arguments.add_argument("--page", type=Path, default=proofs.PAGE, help=argparse.SUPPRESS)
    arguments.add_argument("--code", default="", help="what a part's line names as the code it ran")
    arguments.add_argument(
        "--workers", type=int, help="one long run with this number of workers; see --hours"
    )
    arguments.add_argument("--hours", type=float, default=1.0)
    arguments.add_argument(
        "--search", type=float, metavar="SECONDS", help="search, steered, for this long; see --seed"
    )
    arguments.add_argument("--plain", action="store_true", help="with --search: draw each plan by itself")
    arguments.add_argument(
        "--into", type=Path, default=found_plans.FOLDER, help="where --search puts what breaks"
    )
    arguments.add_argument("--interpreted", action="store_true", help="plain Python, nothing compiled")
    arguments.add_argument(
        "--digests", type=int, help="print the digests of this number of runs, and nothing else"
    )
    return arguments.parse_args()


def add_up(file: Path, *, write: bool) -> int:
    """0 when the parts are those of one run, in which nothing broke; `write` keeps that in docs/proofs.md."""
    try:
        whole = parts.added_up(parts.read(file))
    except (OSError, ValueError) as error:
        print(f"{file}: {error}", file=sys.stderr)
        return STOPPED
    print(whole)
    if whole.failing:
        return 1
    if write:
        proofs.keep("simulation", f"{whole}.", whole.code)
    return 0


def main() -> int:
    """0 when nothing broke."""
    chosen = _arguments()
    if chosen.add_up is not None:
        return add_up(chosen.add_up, write=chosen.write)
    if not chosen.interpreted and not is_compiled():
        try:
            run_compiled(chosen)
        except NotCompiledError as error:
            print(f"interpreted modules, since {error}", flush=True)
        except DifferentError as error:
            print(error, file=sys.stderr)
            return LAB_BROKE
    if chosen.digests is not None:
        print(*(digest_of(draw_plan(seed)) for seed in range(chosen.digests)), sep="\n")
        return 0
    if chosen.workers is not None:
        return one_long_run(chosen)
    if chosen.search:
        return search(chosen)
    if chosen.seed is not None:
        failure = report(chosen.seed)
        print(failure or f"seed {chosen.seed}: nothing breaks")
        return 1 if failure else 0
    return many(chosen)


if __name__ == "__main__":
    sys.exit(main())
