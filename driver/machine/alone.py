"""One set-up at a time on a machine: two would run apt, dockerd and debootstrap against each other."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from driver.machine.shell import Say

# apt and debootstrap fetch as other users too, so not a folder of root's alone.
CACHE = Path("/var/cache/stormlab")


@contextmanager
def alone(say: Say, lock: Path = CACHE / "setup.lock") -> Iterator[None]:
    """Hold the machine's lock; the kernel drops it with its holder. Who waited looks again what is left."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another set-up is at work on this machine; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
