"""Ports for the labs of tests, which several processes of a test run start side by side."""

from __future__ import annotations

import fcntl
import os
import tempfile
from pathlib import Path

from driver.host_ports import is_free

FIRST = 19_000
"""Above the ports that lab.py chooses and offers, below those that Linux gives to clients."""
BEYOND = 32_000
LOCKS = Path(tempfile.gettempdir())
_held: list[int] = []
"""Locks of this process's pairs; they end with it."""


def reserved_pair(host: str = "127.0.0.1", folder: Path = LOCKS) -> int:
    """Return the first of two consecutive free ports that no other test process of this machine takes.

    A port that is free now is taken by whoever binds it first, so each pair has a lock, a file in `folder`
    that this process holds to its end. Raises AssertionError where every pair is held or in use.
    """
    for first in range(FIRST, BEYOND, 2):
        descriptor = os.open(
            folder / f"stormlab-test-ports-{os.getuid()}-{first}", os.O_CREAT | os.O_RDWR, 0o600
        )
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        if is_free(host, first) and is_free(host, first + 1):
            _held.append(descriptor)
            return first
        os.close(descriptor)
    raise AssertionError(f"no two ports from {FIRST} to {BEYOND} are free")
