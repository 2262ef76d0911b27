"""Starts a contender's processes on their cores, and ends them."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.affinity import starting_on

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 60.0


class Contender(ABC):
    """Runs inside `with`; what `_start` began is ended when it fails half-way, too."""

    def __enter__(self) -> Self:
        with ExitStack() as ends:
            self._start(ends)
            self._ends = ends.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._ends.close()

    @abstractmethod
    def _start(self, ends: ExitStack) -> None:
        """Start all that is needed, and register its end with `ends`."""


def start(ends: ExitStack, core: int, module: str, *arguments: str, **environment: str) -> None:
    """Run `python -m module` on `core`, until `ends` is closed."""
    run(ends, core, sys.executable, "-m", module, *arguments, **environment)


def run(ends: ExitStack, core: int, *command: str, **environment: str) -> None:
    """Run a program on `core`, until `ends` is closed."""
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment or None, preexec_fn=starting_on(core),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    ends.callback(process.wait)
    ends.callback(process.kill)


def wait_until(is_so: Callable[[], bool], what: str, every_s: float = 0.005) -> None:
    """Poll until `is_so()`. Raises TimeoutError, which names `what`."""
    end_s = time.monotonic() + LIMIT_S
    while not is_so():
        if time.monotonic() > end_s:
            raise TimeoutError(f"{what}: not within {LIMIT_S:.0f} s")
        time.sleep(every_s)


def answers(port: int) -> bool:
    """Return whether a process listens."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
