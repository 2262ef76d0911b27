"""Runs a command of the user's on this host while a system is tried: its traffic."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from driver.errors import LabError
from driver.systems.replicas import PublishedAddress

AGAIN_AFTER_S = 1.0
_STOP_WAIT_S = 3.0


class CommandTraffic:
    """A shell command, run again when it ends. Its output goes to `log`.

    For each published port it has a variable such as `WEB_8000=127.0.0.1:49153`.
    """

    def __init__(self, command: str, log: Path) -> None:
        self._command = command
        self._log = log
        self._published: Sequence[PublishedAddress] = ()
        self._process: subprocess.Popen[bytes] | None = None
        self._begun_s = 0.0

    def send_to(self, published: Sequence[PublishedAddress]) -> None:
        """Start the command. Raises LabError."""
        self._published = published
        variables = {variable(one): one.address for one in published}
        self._begun_s = time.monotonic()
        try:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    ["/bin/sh", "-c", self._command],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **variables},
                    start_new_session=True,
                )
        except OSError as error:
            raise LabError(f"The command of --traffic cannot be started: {error.strerror}.") from None

    def counters(self) -> None:
        """Start the command again where it has ended; it counts no requests."""
        ended = self._process is not None and self._process.poll() is not None
        if ended and time.monotonic() - self._begun_s >= AGAIN_AFTER_S:
            self.send_to(self._published)

    def end(self) -> None:
        """End the command and all that it started."""
        process, self._process = self._process, None
        if process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_WAIT_S)


def variable(one: PublishedAddress) -> str:
    """Return the variable of a published port: `WEB_8000`."""
    return f"{re.sub(r'[^A-Z0-9]', '_', one.service.upper())}_{one.port}"
