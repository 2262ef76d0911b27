"""Runs one entry's process, with its log in a file, and forwards the suite's signals to it.

Each entry runs in its own process, so that its failure (memory, a bug) does not affect the next.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType

from driver.answer import Answer, read_answer
from driver.interrupts import SIGNALS

TICK_S = 0.5
HEAL_LIMIT_S = 180.0
TAIL_BYTES = 8192


@dataclass(frozen=True)
class ProcessExit:
    """A process's end: its code (negative: the signal that killed it), its answer, and its log's tail."""

    code: int
    answer: Answer | None
    tail: str
    timed_out: bool = False


class StopSignals:
    """A context that handles SIGNALS for the suite, and forwards each to the running entries as SIGINT."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._running: list[subprocess.Popen[bytes]] = []
        self._before: dict[signal.Signals, object] = {}
        self.count = 0

    def __enter__(self) -> StopSignals:
        for number in SIGNALS:
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)  # type: ignore[arg-type]

    def asked(self) -> bool:
        """Whether the suite must end."""
        return self.count > 0

    @contextmanager
    def watching(self, process: subprocess.Popen[bytes]) -> Iterator[None]:
        """Forward signals to this process meanwhile, and one that has come already. Used from any thread."""
        self._running = [*self._running, process]
        if self.asked():
            process.send_signal(signal.SIGINT)
        try:
            yield
        finally:
            self._running = [one for one in self._running if one is not process]

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        if self.count == 1:
            self._say("Stopping the suite: what runs is healed and kept, the rest is not run.")
        for process in self._running:
            # Popen sends nothing to a process that has ended.
            process.send_signal(signal.SIGINT)


def run_child(
    argv: Sequence[str],
    log: Path,
    limit_s: float,
    stop: StopSignals,
    tick: Callable[[str], None],
    cwd: Path,
    answer: Path | None = None,
    passed: Sequence[int] = (),
) -> ProcessExit:
    """Run a command to its end, and return its exit. `tick` gets its newest log line each TICK_S.

    Its output is its log. `answer` is the file of its answer, None for a command without one. It inherits the
    descriptors in `passed`. After `limit_s` it gets SIGINT, and SIGKILL HEAL_LIMIT_S later.
    """
    deadline = time.monotonic() + limit_s
    timed_out = False
    with log.open("wb") as written:
        # Its own session: the terminal's Ctrl-C reaches it once, through the suite.
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            start_new_session=True,
            pass_fds=passed,
        )
        with stop.watching(process):
            while True:
                try:
                    code = process.wait(TICK_S)
                    break
                except subprocess.TimeoutExpired:
                    tick(last_line(log))
                if time.monotonic() > deadline:
                    process.send_signal(signal.SIGKILL if timed_out else signal.SIGINT)
                    timed_out, deadline = True, time.monotonic() + HEAL_LIMIT_S
    return ProcessExit(code, read_answer(answer) if answer else None, _tail(log), timed_out)


def last_line(log: Path) -> str:
    """Return the newest line of a log; "" without one."""
    lines = [line for line in _tail(log).splitlines() if line.strip()]
    return " ".join(lines[-1].split()) if lines else ""


def _tail(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - TAIL_BYTES))
        return file.read().decode(errors="replace")
