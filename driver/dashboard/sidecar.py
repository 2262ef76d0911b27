"""Serves the dashboard beside another command: a process of its own, which ends with that command."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from driver.suite.commands import lab_command

END_TIMEOUT_S = 70.0


@contextmanager
def dashboard_sidecar(
    wanted: bool, project: str, results: Path, say: Callable[[str], None]
) -> Iterator[None]:
    """Serve the dashboard during the block, and report its address; do nothing unless `wanted`."""
    if not wanted:
        yield
        return
    words = [*lab_command(), "dashboard", "--project", project, "--port", "0"]
    words += ["--results", str(results.resolve())]
    # A session of its own: the terminal's Ctrl-C is for the command, whose healing the page still shows.
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        try:
            say(f"dashboard: {process.stdout.readline().strip()}")
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(END_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
