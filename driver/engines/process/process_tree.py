"""Descendants of a process, from /proc. Imports the standard library alone."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
ROUNDS = 20
"""A process that is made while the others are signalled is found in the next round."""


def descendants(pid: int, proc: Path = PROC) -> list[int]:
    """Return all descendants of a process, parents first; those that end meanwhile may be among them."""
    found = _children(pid, proc)
    for one in found:
        found += _children(one, proc)
    return found


def signal_descendants(pid: int, number: int) -> None:
    """Send a signal to all descendants of a process, until no new one is found."""
    signalled: set[int] = set()
    for _ in range(ROUNDS):
        new = [one for one in descendants(pid) if one not in signalled]
        if not new:
            return
        for one in new:
            with suppress(ProcessLookupError):
                os.kill(one, number)
        signalled.update(new)


def _children(pid: int, proc: Path) -> list[int]:
    try:
        return [int(one) for one in (proc / str(pid) / "task" / str(pid) / "children").read_text().split()]
    except (OSError, ValueError):
        return []
