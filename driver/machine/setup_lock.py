"""The machine's set-up lock: concurrent runs of apt, dockerd and debootstrap would fail."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from driver.machine.shell import Say

# apt and debootstrap also download as other users, so the folder is not in root's home.
CACHE = Path("/var/cache/stormlab")


@contextmanager
def setup_lock(say: Say, lock: Path = CACHE / "setup.lock") -> Iterator[None]:
    """Hold the machine's lock, waiting for it; the kernel releases it with its process.

    After a wait the caller must check again what is missing.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another set-up is running on this machine; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
