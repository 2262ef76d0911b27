"""Jobs: commands that the page starts, through the command line itself."""

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

MAX_JOBS = 20
KEPT_LINES = 12
MAX_RUNNING = 8


class Job:
    """One command: its last lines of output, and its exit code (None while it runs)."""

    def __init__(self, number: int, words: Sequence[str]) -> None:
        self.number = number
        self.words = list(words)
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)
        self.code: int | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._is_stopped = False

    @property
    def command(self) -> str:
        """The command line, quoted for a shell."""
        return shlex.join(["python", "lab.py", *self.words])

    async def run(self) -> None:
        """Run the command to its end. On cancellation it gets SIGINT, and the time to heal."""
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
        """Interrupt the command as Ctrl-C does; before its process has started, right after the start."""
        self._is_stopped = True
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGINT)

    def status(self) -> dict[str, Any]:
        """Return the job as the page shows it."""
        said = self.lines[-1] if self.lines else ""
        return {
            "id": self.number, "command": self.command, "running": self.code is None, "said": said,
            "code": self.code,
        }  # fmt: skip


class Jobs:
    """The newest MAX_JOBS jobs and all that run, the newest last."""

    def __init__(self) -> None:
        self._jobs: list[Job] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._number = 0

    def start(self, words: Sequence[str]) -> Job | None:
        """Start a command; returns None where MAX_RUNNING run already."""
        if sum(job.code is None for job in self._jobs) >= MAX_RUNNING:
            return None
        self._number += 1
        job = Job(self._number, words)
        ended = [one for one in self._jobs if one.code is not None]
        # A running job stays listed, so that it can be stopped, however many came after it.
        for one in ended[: max(0, len(self._jobs) + 1 - MAX_JOBS)]:
            self._jobs.remove(one)
        self._jobs.append(job)
        task = asyncio.create_task(job.run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job

    def stop(self, number: object) -> bool:
        """Stop a job by its number; returns whether it ran."""
        for job in self._jobs:
            if job.number == number and job.code is None:
                job.stop()
                return True
        return False

    def status(self) -> list[dict[str, Any]]:
        """Return all jobs as the page shows them."""
        return [job.status() for job in self._jobs]

    async def end(self) -> None:
        """Stop all jobs, and wait up to 60 s until they have healed their faults and ended."""
        for job in self._jobs:
            job.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=60)
