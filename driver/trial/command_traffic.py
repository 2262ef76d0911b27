"""Runs a command of the user's on this host while a system is tried: its traffic."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from driver.errors import LabError
from driver.port_variables import port_variable
from driver.systems.replicas import PublishedAddress
from driver.visible import one_line

AGAIN_AFTER_S = 1.0
MOST_LOG_BYTES = 4 << 20
"""Of all that the command prints, how often it is started; the rest is left out."""
_STOP_WAIT_S = 3.0
_MOST_LINE_BYTES = 300
_WATCH = 'read -r _; kill -s KILL -- "-$1"'
"""Waits for the end of this process, which holds its standard input open, and ends the command's group."""


class CommandTraffic:
    """A shell command, run again when it ends; what it started ends before that. Its output goes to `log`.

    For each published port it has a variable such as `WEB_8000=127.0.0.1:49153`. `say` gets one line the
    first time that it ends with an error. It ends with this process, also where that is killed.
    """

    def __init__(self, command: str, log: Path, say: Callable[[str], None]) -> None:
        self._command = command
        self._log = log
        self._say = say
        self._published: Sequence[PublishedAddress] = ()
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._begun_s = 0.0
        self._log_bytes = 0
        self._last = b""
        self._warned = False

    def send_to(self, published: Sequence[PublishedAddress]) -> None:
        """Start the command. Raises LabError."""
        self._published = published
        variables = {port_variable(one.service, one.port): one.address for one in published}
        self._begun_s = time.monotonic()
        try:
            process = subprocess.Popen(
                ["/bin/sh", "-c", self._command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**os.environ, **variables},
                start_new_session=True,
            )
            self._process = process
            self._watcher = subprocess.Popen(
                ["/bin/sh", "-c", _WATCH, "sh", str(process.pid)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            self.end()
            raise LabError(f"The command of --traffic cannot be started: {error.strerror}.") from None
        self._reader = threading.Thread(target=self._read, args=(process,), name="traffic-log", daemon=True)
        self._reader.start()

    def counters(self) -> None:
        """Start the command again where it has ended; it counts no requests."""
        if self._process is None or time.monotonic() - self._begun_s < AGAIN_AFTER_S:
            return
        process = self._process
        if _has_ended(process):
            self.end()
            self._warn(process.returncode)
            self.send_to(self._published)

    def end(self) -> None:
        """End the command and all that it started."""
        process, self._process = self._process, None
        watcher, self._watcher = self._watcher, None
        if process is not None:
            # Its number is of its group until it is waited for: no other process gets this signal.
            for number in () if _has_ended(process) else (signal.SIGTERM,):
                _signal_group(process, number)
                _wait_end(process)
            _signal_group(process, signal.SIGKILL)
            process.wait()
        if watcher is not None:
            watcher.kill()
            watcher.wait()
            assert watcher.stdin is not None
            watcher.stdin.close()
        if self._reader is not None:
            self._reader.join(_STOP_WAIT_S)
            self._reader = None

    def _warn(self, code: int) -> None:
        if code and not self._warned:
            self._warned = True
            last = one_line(self._last.decode(errors="replace").strip()) or "(it printed nothing)"
            self._say(f"The command of --traffic ended with {code}, and is started again each time: {last}")

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        """Copy what the command prints to the log, until all that it started has ended."""
        assert process.stdout is not None
        with process.stdout, suppress(OSError), self._log.open("ab") as log:
            while line := process.stdout.readline(_MOST_LINE_BYTES):
                self._last = line if line.strip() else self._last
                kept = line[: MOST_LOG_BYTES - self._log_bytes]
                self._log_bytes += len(kept)
                log.write(kept)
                log.flush()


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether a process has ended that has not been waited for: its number stays its own."""
    if process.returncode is not None:
        return True
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _wait_end(process: subprocess.Popen[bytes]) -> None:
    deadline_s = time.monotonic() + _STOP_WAIT_S
    while not _has_ended(process) and time.monotonic() < deadline_s:
        time.sleep(0.02)


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
