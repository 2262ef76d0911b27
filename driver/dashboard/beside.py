"""A dashboard beside another command: a process of its own, which ends with that command."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from driver.suite.commands import lab_command

END_S = 70.0


@contextmanager
def dashboard_beside(wanted: bool, project: str, results: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Serve it while the block lasts, and say its address; nothing where it is not `wanted`."""
    if not wanted:
        yield
        return
    words = [*lab_command(), "dashboard", "--project", project, "--port", "0"]
    words += ["--results", str(results.resolve())]
    # A session of its own: the terminal's Ctrl-C is for the command, whose healing the page goes on showing.
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        try:
            say(f"dashboard: {process.stdout.readline().strip()}")
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
