"""An open-loop load of `noop` tasks: each is submitted when it is due, whatever became of those before it."""

from __future__ import annotations

import http.client
import os
import threading
import time

import msgspec

from benchmarks.affinity import SECOND
from benchmarks.storm.servers import TOKEN
from wire.control import Submission, SubmissionReply, TaskSpec, authorization

TICK_S = 0.01
ANSWER_WITHIN_S = 60.0


class Submitter:
    """Sends tasks to a coordinator's control port over one connection."""

    def __init__(self, control_port: int) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", control_port, timeout=ANSWER_WITHIN_S)

    def submit(self, tasks: list[TaskSpec]) -> None:
        """They are durable when this returns. Raises RuntimeError where one was refused."""
        self._http.request("POST", "/tasks", msgspec.json.encode(Submission(tasks)), authorization(TOKEN))
        told = msgspec.json.decode(self._http.getresponse().read(), type=SubmissionReply)
        if told.refused:
            raise RuntimeError(f"{len(told.refused)} tasks were refused: {told.refused[0].because}")


class Load:
    """`rate_per_s` tasks a second from a thread on core SECOND, between `__enter__` and `__exit__`."""

    def __init__(self, control_port: int, rate_per_s: float, prefix: str) -> None:
        self._submitter = Submitter(control_port)
        self._rate_per_s = rate_per_s
        self._prefix = prefix
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load")
        self._error: Exception | None = None

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        os.sched_setaffinity(0, {SECOND})  # Of this thread alone.
        began_ns, sent = time.monotonic_ns(), 0
        try:
            while not self._over.wait(TICK_S):
                due = int((time.monotonic_ns() - began_ns) / 1e9 * self._rate_per_s)
                numbers = range(sent, due)
                self._submitter.submit([
                    TaskSpec(
                        task_id=f"{self._prefix}-{number}", kind="noop",
                        intended_ns=began_ns + int(number / self._rate_per_s * 1e9),
                    )
                    for number in numbers
                ])  # fmt: skip
                sent = due
        except Exception as error:
            self._error = error
