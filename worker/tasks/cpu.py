"""Computes: keeps a core busy for so much processor time of its own."""

from __future__ import annotations

import hashlib
import time

from wire.kinds import Cpu
from worker.tasks.kind import Context, InThread, TaskError

_CHUNK = bytes(256 * 1024)


def run(params: Cpu, context: Context) -> dict[str, int]:
    """Hash until the thread used `cpu_ms`. Hashing large chunks lets other threads run meanwhile."""
    end_ns = time.thread_time_ns() + params.cpu_ms * 1_000_000
    hashed = 0
    while time.thread_time_ns() < end_ns:
        if context.stopped:
            raise TaskError("stopped")
        hashlib.sha256(_CHUNK).digest()
        hashed += len(_CHUNK)
    return {"hashed_bytes": hashed}


KIND = InThread(Cpu, run)
