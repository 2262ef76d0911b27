"""One entry's process: its log in a file, its answer kept, and every signal that the suite gets passed on.

An entry runs in a process of its own, so that nothing that it breaks (memory, a bug) reaches the next.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType

from driver.answer import Answer, read_answer
from driver.interrupts import SIGNALS

TICK_S = 0.5
HEAL_LIMIT_S = 180.0
TAIL_BYTES = 8192


@dataclass(frozen=True)
class Ending:
    """How a process ended: its code (negative: the signal that killed it), its answer, and its log's end."""

    code: int
    answer: Answer | None
    tail: str
    too_long: bool = False


class Stop:
    """Hears Ctrl-C and its like for the suite, and passes each on to the entry that runs. A context."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._process: subprocess.Popen[bytes] | None = None
        self._before: dict[signal.Signals, object] = {}
        self.count = 0

    def __enter__(self) -> Stop:
        for number in SIGNALS:
            self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)  # type: ignore[arg-type]

    def asked(self) -> bool:
        """Whether the suite is to end."""
        return self.count > 0

    def watch(self, process: subprocess.Popen[bytes] | None) -> None:
        """From now on pass signals on to this process."""
        self._process = process

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        if self.count == 1:
            self._say("Stopping the suite: what runs is healed and kept, the rest is not run.")
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)


def run_child(
    argv: Sequence[str],
    log: Path,
    limit_s: float,
    stop: Stop,
    tick: Callable[[str], None],
    cwd: Path,
    answer: Path | None = None,
    passed: Sequence[int] = (),
) -> Ending:
    """Run a command to its end; `tick` hears its newest log line twice a second.

    What it prints is its log. `answer` is the file in which it leaves its answer, if it is to give one. It
    inherits the descriptors in `passed`.

    After `limit_s` it is told to stop, as by Ctrl-C, and killed only when it does not get done with that.
    """
    deadline = time.monotonic() + limit_s
    too_long = False
    with log.open("wb") as written:
        # A session of its own: the terminal's Ctrl-C reaches it once, through us.
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            start_new_session=True,
            pass_fds=passed,
        )
        stop.watch(process)
        if stop.asked():
            process.send_signal(signal.SIGINT)
        while True:
            try:
                code = process.wait(TICK_S)
                break
            except subprocess.TimeoutExpired:
                tick(last_line(log))
            if time.monotonic() > deadline:
                process.send_signal(signal.SIGKILL if too_long else signal.SIGINT)
                too_long, deadline = True, time.monotonic() + HEAL_LIMIT_S
        stop.watch(None)
    return Ending(code, read_answer(answer) if answer else None, _tail(log), too_long)


def last_line(log: Path) -> str:
    """The newest line of a log, "" while there is none."""
    lines = [line for line in _tail(log).splitlines() if line.strip()]
    return " ".join(lines[-1].split()) if lines else ""


def _tail(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - TAIL_BYTES))
        return file.read().decode(errors="replace")
