"""Computes: uses a given processor time."""

from __future__ import annotations

import hashlib
import time

from wire.task_params import CpuParams
from worker.task_kind import TaskContext, TaskError, ThreadTask

_CHUNK = bytes(256 * 1024)


def run(params: CpuParams, context: TaskContext) -> dict[str, int]:
    """Hash until the thread has used `cpu_ms`. `hashlib` releases the interpreter lock for large chunks."""
    end_ns = time.thread_time_ns() + params.cpu_ms * 1_000_000
    hashed = 0
    while time.thread_time_ns() < end_ns:
        if context.stopped:
            raise TaskError("stopped")
        hashlib.sha256(_CHUNK).digest()
        hashed += len(_CHUNK)
    return {"hashed_bytes": hashed}


KIND = ThreadTask(CpuParams, run)
