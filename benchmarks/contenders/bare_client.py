"""The bare baseline as a contender: its processes, and the client that submits and waits."""

from __future__ import annotations

import itertools
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from websockets.sync.client import connect

from benchmarks.affinity import FIRST, SECOND
from benchmarks.contenders.bare import SUBMIT, messages
from benchmarks.contenders.ours import SUBMITTED_AT_ONCE, WARM_UP, WORKERS
from benchmarks.contenders.processes import Contender, answers, start, wait_until
from benchmarks.ports import free_port


class Bare(Contender):
    """Runs inside `with`; idle between measurements. `batch`: the most tasks in a message."""

    def __init__(self, *, batch: int = 1) -> None:
        self._batch = batch
        self._names = itertools.count()
        self._completed = 0

    def tasks_per_s(self, tasks: int) -> float:
        """From the first submission until the last of `tasks` is on the disk."""
        submissions = messages(tasks, str(next(self._names)), SUBMITTED_AT_ONCE)
        began_s = time.monotonic()
        for submission in submissions:
            self._link.send(submission)
            self._link.recv()
        self._completed += tasks
        self._link.send(str(self._completed))
        self._link.recv()
        return tasks / (time.monotonic() - began_s)

    def _start(self, ends: ExitStack) -> None:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="bench-bare-")))
        port = free_port()
        start(ends, FIRST, "benchmarks.contenders.bare", "serve", str(folder), str(port), str(self._batch))
        wait_until(lambda: answers(port), "the bare server listens")
        for _ in range(WORKERS):
            start(ends, SECOND, "benchmarks.contenders.bare", "work", str(port))
        address = f"ws://127.0.0.1:{port}{SUBMIT}"
        self._link = ends.enter_context(connect(address, compression=None, proxy=None, max_size=None))
        self.tasks_per_s(WARM_UP)
