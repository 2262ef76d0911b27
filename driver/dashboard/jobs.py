"""The commands that the page runs: the command line itself, so that both do the same."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import signal
from collections import deque
from collections.abc import Sequence
from typing import Any

from driver.exit_codes import ExitCode
from driver.suite.commands import lab_command

KEPT = 20
LINES = 12
AT_ONCE = 8


class Job:
    """One command: what it said last, and how it ended."""

    def __init__(self, number: int, words: Sequence[str]) -> None:
        self.number = number
        self.words = list(words)
        self.lines: deque[str] = deque(maxlen=LINES)
        self.code: int | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._is_stopped = False

    @property
    def command(self) -> str:
        """To be copied into a shell."""
        return shlex.join(["python", "lab.py", *self.words])

    async def run(self) -> None:
        """To its end; cancelled, it is told to stop, and given the time to heal."""
        try:
            process = self._process = await asyncio.create_subprocess_exec(
                *lab_command(), *self.words,
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            self.lines.append(f"It could not be started: {error.strerror}.")
            self.code = ExitCode.LAB_BROKE
            return
        assert process.stdout is not None
        if self._is_stopped:
            self.stop()
        try:
            while line := await process.stdout.readline():
                self.lines.append(line.decode(errors="replace").rstrip())
        finally:
            if process.returncode is None and process.stdout.at_eof() is False:
                self.stop()
            self.code = await process.wait()

    def stop(self) -> None:
        """As by Ctrl-C; one that has not begun yet is stopped as soon as it has."""
        self._is_stopped = True
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGINT)

    def told(self) -> dict[str, Any]:
        """For the page."""
        said = self.lines[-1] if self.lines else ""
        return {
            "id": self.number, "command": self.command, "running": self.code is None, "said": said,
            "code": self.code,
        }  # fmt: skip


class Jobs:
    """All of them, the newest last."""

    def __init__(self) -> None:
        self._jobs: list[Job] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._number = 0

    def start(self, words: Sequence[str]) -> Job | None:
        """Begin a command; None where as many run as may."""
        if sum(job.code is None for job in self._jobs) >= AT_ONCE:
            return None
        self._number += 1
        job = Job(self._number, words)
        ended = [one for one in self._jobs if one.code is not None]
        # Only what is over is forgotten: what runs is told, and can be stopped, whatever came after it.
        for one in ended[: max(0, len(self._jobs) + 1 - KEPT)]:
            self._jobs.remove(one)
        self._jobs.append(job)
        task = asyncio.create_task(job.run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job

    def stop(self, number: object) -> bool:
        """End a job by its number; whether it ran."""
        for job in self._jobs:
            if job.number == number and job.code is None:
                job.stop()
                return True
        return False

    def told(self) -> list[dict[str, Any]]:
        """For the page."""
        return [job.told() for job in self._jobs]

    async def end(self) -> None:
        """Stop all that run, and wait until they have healed what they hurt."""
        for job in self._jobs:
            job.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=60)
