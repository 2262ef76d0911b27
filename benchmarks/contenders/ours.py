"""Stormlab's own contender: a real coordinator and two real workers as they are shipped, without Toxiproxy.

Tasks go in through the control API, 1,000 in a request, each answered once its rows are on the disk; a
task counts once its result is. The submitter shares the workers' core, and makes the requests beforehand.
"""

from __future__ import annotations

import http.client
import itertools
import os
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import msgspec

from benchmarks.affinity import FIRST, SECOND
from benchmarks.contenders.processes import Contender, answers, start, wait_until
from benchmarks.ports import free_port
from wire.control import CoordinatorState, Submission, SubmissionReply, TaskSpec, authorization

WORKERS = 2
TOKEN = "control" * 5
SUBMITTED_AT_ONCE = 1_000
WARM_UP = 2_000
LOOK_S = 0.01


class Ours(Contender):
    """Runs inside `with`; idle between measurements."""

    name = "Stormlab"

    def __init__(self, *, slots: int = 64, prefetch: int = 448, compress: bool = True) -> None:
        self._worker = {"slots": slots, "prefetch": prefetch, "compress": compress}
        self._coordinator = {"compress": compress, "waiting_tasks": 1_000_000}
        self._names = itertools.count()

    def tasks_per_s(self, tasks: int) -> float:
        """From the first submission until the last of `tasks` is counted."""
        bodies = self._bodies(tasks)
        before = self._completed()
        began_s = time.monotonic()
        for body in bodies:
            answer = msgspec.json.decode(self._ask("POST", "/tasks", body), type=SubmissionReply)
            if answer.refused:
                raise RuntimeError(f"a task was refused: {answer.refused[0].because}")
        wait_until(lambda: self._completed() >= before + tasks, "all tasks done", LOOK_S)
        return tasks / (time.monotonic() - began_s)

    def _start(self, ends: ExitStack) -> None:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="bench-ours-")))
        port, control_port = free_port(), free_port()
        self.control_url = f"ws://127.0.0.1:{control_port}"
        both = {**os.environ, "STORMLAB_KEY": os.urandom(32).hex(), "JOURNAL_DIR": str(folder)}
        coordinator = {
            "STORMLAB_COORDINATOR": msgspec.json.encode(self._coordinator).decode(), "STORE_DIR": str(folder),
            "STORMLAB_LISTEN": "127.0.0.1", "COORDINATOR_PORT": str(port), "CONTROL_PORT": str(control_port),
            "STORMLAB_CONTROL_TOKEN": TOKEN,
        }  # fmt: skip
        start(ends, FIRST, "coordinator", **both, **coordinator)
        wait_until(lambda: answers(control_port), "the coordinator listens")
        for index in range(1, WORKERS + 1):
            worker = {
                "STORMLAB_WORKER": msgspec.json.encode(self._worker).decode(), "WORKER_INDEX": str(index),
                "STORMLAB_LINKS_HOST": "127.0.0.1", "STORMLAB_LINK_PORT": str(port),
                "CHECKPOINT_DIR": str(folder / f"checkpoints-{index}"),
            }  # fmt: skip
            start(ends, SECOND, "worker", **both, **worker)
        self._http = ends.enter_context(_Closing("127.0.0.1", control_port, timeout=60))
        wait_until(lambda: len(self._state().workers) == WORKERS, "both workers are connected")
        self.tasks_per_s(WARM_UP)

    def _bodies(self, tasks: int) -> list[bytes]:
        run = next(self._names)
        every = [TaskSpec(task_id=f"{run}-{number}", kind="noop") for number in range(tasks)]
        return [
            msgspec.json.encode(Submission(every[first : first + SUBMITTED_AT_ONCE]))
            for first in range(0, tasks, SUBMITTED_AT_ONCE)
        ]

    def _completed(self) -> int:
        return self._state().counts.completed

    def _state(self) -> CoordinatorState:
        return msgspec.json.decode(self._ask("GET", "/state"), type=CoordinatorState)

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        self._http.request(method, path, body, authorization(TOKEN))
        answer = self._http.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {text!r}")
        return text


class _Closing(http.client.HTTPConnection):
    """A connection that `with` closes."""

    def __enter__(self) -> _Closing:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
