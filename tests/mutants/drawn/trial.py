"""Drawn mutants before their judges: the quick tests of their room, then the simulation; Go tests for Go."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from tests.mutants import catchers
from tests.mutants.apply import DefectError
from tests.mutants.catchers import Caught, Nursery
from tests.mutants.drawn.mutant import Mutant
from tests.mutants.drawn.rooms import ROOMS, TOXICS, Room
from tests.mutants.sandbox import sandbox

LIMIT_LEAST_S = 60.0
CONTROL_S = 600.0
LIMIT_FACTOR = 5
"""A mutant may take so many times as long as the code without one: a busy machine is no judge."""
_ROOMS = {room.name: room for room in ROOMS}


@dataclass(frozen=True)
class Trial:
    """What became of one mutant: `caught` is None for one that nobody noticed."""

    mutant: Mutant
    caught: Caught | None


def try_all(
    mutants: Sequence[Mutant], limit_s: float, jobs: int, tell: Callable[[Trial], None]
) -> list[Trial]:
    """Try every mutant, `jobs` at a time; the simulation ends after `limit_s`, which is a catch. `tell` is
    called with each trial as it is done.
    """
    with ExitStack() as stack:
        idle: SimpleQueue[tuple[Nursery, Path]] = SimpleQueue()
        for _ in range(jobs):
            idle.put((stack.enter_context(Nursery()), stack.enter_context(sandbox(None))))

        def one(mutant: Mutant) -> Trial:
            nursery, root = idle.get()
            try:
                trial = Trial(mutant, _caught(mutant, nursery, root, limit_s))
                tell(trial)
                return trial
            finally:
                idle.put((nursery, root))

        with ThreadPoolExecutor(jobs) as pool:
            return list(pool.map(one, mutants))


def control(rooms: Sequence[Room]) -> tuple[Caught | None, float]:
    """Return what the judges find in the code as it is (nothing, if they are worth anything), and for how
    long the simulation of a mutant may last.
    """
    longest_s = LIMIT_LEAST_S
    with Nursery() as nursery, sandbox(None) as root:
        for room in rooms:
            caught = catchers.by_go(root) if room is TOXICS else _by_tests(room, nursery, root)
            began_s = time.monotonic()
            if caught is None and room.seeds and longest_s == LIMIT_LEAST_S:
                caught = _by_simulation(room, root, CONTROL_S)
                longest_s = max(LIMIT_LEAST_S, LIMIT_FACTOR * (time.monotonic() - began_s))
            if caught is not None:
                return caught, longest_s
    return None, longest_s


def _caught(mutant: Mutant, nursery: Nursery, root: Path, limit_s: float) -> Caught | None:
    room = _ROOMS[mutant.room]
    with _replaced(root / mutant.file, mutant.changed):
        if room is TOXICS:
            return catchers.by_go(root)
        if caught := _by_tests(room, nursery, root):
            return caught
        return _by_simulation(room, root, limit_s) if room.seeds else None


def _by_tests(room: Room, nursery: Nursery, root: Path) -> Caught | None:
    began_s = time.monotonic()
    try:
        return catchers.by_tests(root, room.test_paths(root), nursery)
    except DefectError as error:
        return _does_not_run(error, began_s)


def _by_simulation(room: Room, root: Path, limit_s: float) -> Caught | None:
    began_s = time.monotonic()
    try:
        return catchers.by_simulation(root, room.seeds, limit_s)
    except DefectError as error:
        return _does_not_run(error, began_s)


def _does_not_run(error: DefectError, began_s: float) -> Caught:
    """Code that raises at its import, or something that no test expects in the middle of a run."""
    last = str(error).strip().splitlines()[-1]
    return Caught("an exception", last[:120], time.monotonic() - began_s)


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
