"""Which process runs on which core. Two cores are enough for every benchmark, so that machines compare.

What is measured has FIRST for itself; what loads it, and the baseline's clients, share SECOND.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator

FIRST, SECOND = 0, 1


def pin(core: int, pid: int = 0) -> None:
    """Keep a process (0: this one), with all its threads, on one core."""
    for thread in os.listdir(f"/proc/{pid or os.getpid()}/task"):
        os.sched_setaffinity(int(thread), {core})


def starting_on(core: int) -> Callable[[], None]:
    """For `preexec_fn`: the child starts on that core."""
    return lambda: os.sched_setaffinity(0, {core})


@contextlib.contextmanager
def unpinned_afterwards() -> Iterator[None]:
    """Let this process run where it could before, once a benchmark that pinned it is over."""
    cores = os.sched_getaffinity(0)
    try:
        yield
    finally:
        for thread in os.listdir("/proc/self/task"):
            os.sched_setaffinity(int(thread), cores)


@contextlib.contextmanager
def children_on(core: int) -> Iterator[None]:
    """Run the processes that this thread starts meanwhile on `core`, where `preexec_fn` cannot be given."""
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, own)
