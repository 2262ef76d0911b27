"""Ends `docker compose` processes whose command was killed: they would start containers that were removed."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

GRACE_S = 5.0
POLL_S = 0.05
PROCESSES = Path("/proc")
_CLIENTS = (b"docker", b"docker-compose")


def end_left_compose(file: Path, grace_s: float = GRACE_S) -> int:
    """End each Compose that reads `file`, and return how many there were. Waits 2 × `grace_s` at most.

    Call it with the lab's lock: no command that started one is alive then. Where a system has no /proc, none
    is found. Raises nothing.
    """
    found = _reading(file)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in _reading(file):
            with suppress(OSError):
                os.kill(pid, number)
        deadline_s = time.monotonic() + grace_s
        while _reading(file) and time.monotonic() < deadline_s:
            time.sleep(POLL_S)
    return len(found)


def _reading(file: Path) -> list[int]:
    """The processes of the docker client that have `file` among their words; one that has ended has none."""
    found = []
    for path in PROCESSES.glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if os.path.basename(words[0]) in _CLIENTS and os.fsencode(file) in words:
            found.append(int(path.parent.name))
    return found
