"""Drawn mutants before their judges: the tests that run their lines, the other tests of their room, and the
simulation; Go tests for Go.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import SimpleQueue

import msgspec

from tests.mutants import catchers
from tests.mutants.apply import DefectError
from tests.mutants.catchers import Caught, ForkServer
from tests.mutants.drawn import choice, golang_trial
from tests.mutants.drawn.choice import Limits, Traces
from tests.mutants.drawn.golang_trial import GoTests
from tests.mutants.drawn.mutant import Mutant
from tests.mutants.drawn.results import Results, Trial
from tests.mutants.drawn.rooms import ROOMS, SEEDS, TOXICS, Room
from tests.mutants.sandbox import sandbox

CONTROL_MAX_S = 3_600
SIMULATION_MAX_S = 3_600.0
TESTS_MAX_S = 3_600
"""By the clock, and far off: processor time ends an endless loop, since a busy machine is no judge."""
SIMULATION_LEAST_CPU_S, SIMULATION_FACTOR = 20, 4
IMPORTS_CPU_S = 60
WAITING_MAX_S = 120
"""A test that waits for ever, and uses no processor time."""
PYTEST = (
    "-x", "-q", "-p", "no:cacheprovider", "-p", "tests.mutants.hypothesis_profile",
    "-p", "tests.mutants.drawn.chosen", "-o", f"timeout={WAITING_MAX_S}",
)  # fmt: skip
FAILED, INTERRUPTED = 1, 2
_FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - (.*))?$", re.M)
_ROOMS = {room.name: room for room in ROOMS}


class Measured(msgspec.Struct, frozen=True):
    """What the code without a mutant needs: tests by room, and processor time of the simulation.
    `state` names the code and tests for which all passed.
    """

    state: str
    traces: dict[str, Traces]
    go: GoTests | None
    simulation_cpu_s: int


class _Place:
    """A sandbox, and a process that runs tests in it."""

    def __init__(self, stack: ExitStack) -> None:
        self.fork_server = stack.enter_context(ForkServer())
        self.root = stack.enter_context(sandbox(None))


def try_all(
    mutants: Sequence[Mutant],
    measured: Measured,
    jobs: int,
    results: Results,
    on_done: Callable[[Trial], None],
) -> list[Trial]:
    """Try every mutant without a result, `jobs` at a time, and call `on_done` with each. Ctrl-C ends it
    after those that are being tried: the others are missing in what is returned.
    """
    trials = {mutant: known for mutant in mutants if (known := results.known(mutant))}
    with ExitStack() as stack:
        idle: SimpleQueue[_Place] = SimpleQueue()
        for _ in range(jobs):
            idle.put(_Place(stack))

        def one(mutant: Mutant) -> None:
            place = idle.get()
            try:
                trial = _trial(mutant, place, measured)
            finally:
                idle.put(place)
            results.keep(trial)
            trials[mutant] = trial
            on_done(trial)

        with ThreadPoolExecutor(jobs) as pool:
            asked = [pool.submit(one, mutant) for mutant in mutants if mutant not in trials]
            try:
                for each in asked:
                    each.result()
            except (KeyboardInterrupt, DefectError) as error:
                pool.shutdown(cancel_futures=True)
                if isinstance(error, DefectError):
                    raise
    return [trials[mutant] for mutant in mutants if mutant in trials]


def control(rooms: Sequence[Room], state: str) -> Caught | Measured:
    """Return what the judges find in the code as it is (nothing, if they are worth anything), or what they
    need for it: kept, so that a run that goes on with the same code need not ask again. Raises DefectError.
    """
    kept = choice.KEPT / f"control-{'-'.join(room.name for room in rooms)}.json"
    if kept.exists():
        known = msgspec.json.decode(kept.read_bytes(), type=Measured)
        if known.state == state:
            return known
    found = _measure(rooms, state)
    if isinstance(found, Measured):
        kept.write_bytes(msgspec.json.encode(found))
    return found


def _measure(rooms: Sequence[Room], state: str) -> Caught | Measured:
    traces: dict[str, Traces] = {}
    go: GoTests | None = None
    cpu_s = 0
    with ExitStack() as stack:
        place = _Place(stack)
        for room in rooms:
            if room is TOXICS:
                found = golang_trial.measured(place.root)
                if isinstance(found, Caught):
                    return found
                go = found
                continue
            traces[room.name] = choice.traces_of(room, place.fork_server, place.root, state)
            if caught := _by_tests({test: float(CONTROL_MAX_S) for test in traces[room.name]}, place):
                return caught
            if room.seeds and not cpu_s:
                before = os.times()
                if caught := catchers.by_simulation(place.root, SEEDS, CONTROL_MAX_S):
                    return caught
                after = os.times()
                cpu_s = int(after.children_user - before.children_user) * SIMULATION_FACTOR
    return Measured(state, traces, go, max(cpu_s, SIMULATION_LEAST_CPU_S))


def _trial(mutant: Mutant, place: _Place, measured: Measured) -> Trial:
    room = _ROOMS[mutant.room]
    with _replaced(place.root / mutant.file, mutant.changed):
        if room is TOXICS:
            assert measured.go is not None
            found = golang_trial.judge(place.root, measured.go)
            return Trial(mutant, None, found) if isinstance(found, bool) else Trial(mutant, found)
        began_s = time.monotonic()
        for limits in choice.steps(mutant, measured.traces[room.name]):
            if limits and (caught := _by_tests(limits, place)):
                return Trial(mutant, caught)
        if not room.seeds:
            return Trial(mutant, None)
        try:
            cpu_s = measured.simulation_cpu_s
            return Trial(mutant, catchers.by_simulation(place.root, room.seeds, SIMULATION_MAX_S, cpu_s))
        except DefectError as error:
            last = str(error).strip().splitlines()[-1]
            return Trial(mutant, Caught("the simulation", last[:120], time.monotonic() - began_s))


def _by_tests(limits: Limits, place: _Place) -> Caught | None:
    """Return the first of these tests that fails; None where all pass. Raises DefectError where they could
    not be run.
    """
    began_s = time.monotonic()
    chosen = place.root / "chosen.json"
    chosen.write_bytes(msgspec.json.encode(limits))
    files = dict.fromkeys(test.partition("::")[0] for test in limits)
    arguments = [*PYTEST, "--chosen", str(chosen), *files]
    cpu_s = int(sum(limits.values())) + IMPORTS_CPU_S
    status, out = place.fork_server.pytest(place.root, arguments, TESTS_MAX_S, cpu_s)
    after_s = time.monotonic() - began_s
    if status == 0:
        return None
    if status is None:
        return Caught(next(iter(limits)), "the process that ran the tests was killed by a signal", after_s)
    failed = _FAILED.search(out)
    if status not in (FAILED, INTERRUPTED) or failed is None:
        raise DefectError(f"pytest ended with {status}, and named no test that failed:\n{out[-2000:]}")
    return Caught(failed[1], failed[2] or "", after_s)


@contextmanager
def _replaced(path: Path, text: str) -> Iterator[None]:
    """A file of a sandbox reads `text` for a while."""
    before, stat = path.read_bytes(), path.stat()
    path.write_text(text)
    try:
        yield
    finally:
        path.write_bytes(before)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
