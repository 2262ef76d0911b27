"""Runs `docker compose` with a time limit; an error has the command's last lines."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from driver.errors import (
    EngineError,
    EngineGoneError,
    InterruptedCommandError,
    PortInUseError,
    SubnetInUseError,
)
from driver.interrupts import signals_noted

_log = logging.getLogger("stormlab.compose")
_KEPT_LINES = 12
_GRACE_S = 5.0
HEARTBEAT_S = 10.0
_GONE = ("Cannot connect to the Docker daemon", "error during connect", "Is the docker daemon running", "EOF")
_OVERLAP = "Pool overlaps with other one"
VERBS = ("up", "build")
_TAKEN = ("port is already allocated", "address already in use", "ports are not available")

Heartbeat = Callable[[float, str], object]
"""Receives the seconds so far and the last line of output."""


class ComposeCommand:
    """`docker compose` for one project. Calls may run concurrently; `interrupt` ends them all."""

    def __init__(
        self, project: str, root: Path, environment: Mapping[str, str], heartbeat_s: float = HEARTBEAT_S
    ) -> None:
        self._heartbeat_s = heartbeat_s
        self._start = [
            "docker",
            "compose",
            "-p",
            project,
            "--project-directory",
            str(root),
            "-f",
            str(root / "compose.yaml"),
        ]
        self._environment = environment
        self._starting = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._interrupted: set[subprocess.Popen[bytes]] = set()

    def __call__(
        self,
        *words: str,
        environment: Mapping[str, str],
        timeout_s: float,
        heartbeat: Heartbeat | None = None,
    ) -> list[str]:
        """Run `docker compose` with `words`, and return its last lines.

        `words` contain a verb of VERBS. `environment` is added to the client's. `heartbeat` is called each
        `heartbeat_s` of this object, and the time limit is checked as often.

        Raises SubnetInUseError, PortInUseError, EngineGoneError or EngineError with Compose's reason,
        EngineError after `timeout_s`, InterruptedCommandError after `interrupt`.
        """
        argv = [*self._start, *words]
        _log.debug("running %s", " ".join(argv))
        began = time.monotonic()
        process, lines = self._run(argv, environment, timeout_s, heartbeat)
        _log.debug("`%s` ended with %s after %.2f s", words[-1], process.returncode, time.monotonic() - began)
        if process in self._interrupted:
            self._interrupted.discard(process)
            raise InterruptedCommandError("`docker compose` was stopped.")
        if process.returncode != 0:
            raise failure(words, process.returncode, lines, timeout_s)
        return lines

    def interrupt(self) -> None:
        """End the calls that run now. Later calls are unaffected."""
        with self._starting:
            for process in self._running:
                self._interrupted.add(process)
                _signal(process, signal.SIGTERM)

    def _run(
        self,
        argv: list[str],
        environment: Mapping[str, str],
        timeout_s: float,
        heartbeat: Heartbeat | None,
    ) -> tuple[subprocess.Popen[bytes], list[str]]:
        """Return the process, which has ended, and its last lines."""
        lines: deque[str] = deque(maxlen=_KEPT_LINES)
        process = None
        try:
            # A signal that comes while it starts is raised once there is a process to end.
            with signals_noted():
                process = self._started(argv, environment)
                reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
                reader.start()
            self._wait(process, lines, timeout_s, heartbeat)
        except BaseException:
            if process is not None:
                _signal(process, signal.SIGTERM)
            raise
        finally:
            if process is not None:
                self._await_end(process)
        reader.join(_GRACE_S)
        return process, list(lines)

    def _started(self, argv: list[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        # An interrupt waits until a process that starts can be ended.
        with self._starting:
            try:
                # A session of its own: Ctrl-C reaches the driver alone, which ends its children in order.
                process = subprocess.Popen(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    env={**self._environment, **environment},
                    start_new_session=True,
                )
            except OSError as error:
                raise EngineGoneError(
                    f"The docker client could not be run: {error.strerror}.", "Set it up: python lab.py setup"
                ) from None
            self._running.add(process)
        return process

    def _wait(
        self,
        process: subprocess.Popen[bytes],
        lines: Sequence[str],
        timeout_s: float,
        heartbeat: Heartbeat | None,
    ) -> None:
        began = time.monotonic()
        while not _ended(process, self._heartbeat_s):
            elapsed_s = time.monotonic() - began
            if elapsed_s > timeout_s:
                _signal(process, signal.SIGTERM)
                return
            if heartbeat is not None:
                heartbeat(elapsed_s, lines[-1] if lines else "…")

    def _await_end(self, process: subprocess.Popen[bytes]) -> None:
        with signals_noted():
            if not _ended(process, _GRACE_S):
                _signal(process, signal.SIGKILL)
                process.wait()
        with self._starting:
            self._running.discard(process)


def failure(
    words: Sequence[str], code: int, lines: Sequence[str], timeout_s: float
) -> EngineError | PortInUseError:
    """Return the error for a `docker compose` that ended with `code` (negative: by a signal)."""
    text = "\n".join(f"  {line}" for line in lines)
    last = lines[-1] if lines else "(it printed nothing)"
    verb = next(word for word in words if word in VERBS)
    if any(sign in line for line in lines for sign in _GONE):
        return EngineGoneError("The Docker engine stopped answering.", "Start it again: python lab.py setup")
    if any(_OVERLAP in line for line in lines):
        return SubnetInUseError(f"The lab's network is taken: {last}", "Try again.")
    if any(sign in line for line in lines for sign in _TAKEN):
        return PortInUseError(f"A port of the lab is taken: {last}", "Choose others: --port 18474")
    if code < 0:
        return EngineError(
            f"`docker compose {verb}` did not end within {timeout_s:.0f} s. Its last lines:\n{text}\n",
            "Is the machine out of memory or disk? python lab.py doctor",
        )
    return EngineError(
        f"`docker compose {verb}` failed with {code}. Its last lines:\n{text}\n",
        "See: python lab.py doctor",
    )


def client_environment() -> dict[str, str]:
    """Return this process's environment without the variables that select another project or file."""
    selecting = ("COMPOSE_FILE", "COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES", "COMPOSE_ENV_FILES")
    kept = {name: value for name, value in os.environ.items() if name not in selecting}
    return {
        **kept,
        "COMPOSE_PROGRESS": "plain",
        "COMPOSE_IGNORE_ORPHANS": "true",
        "BUILDKIT_PROGRESS": "plain",
    }


def _read(process: subprocess.Popen[bytes], lines: deque[str]) -> None:
    assert process.stdout is not None
    for raw in process.stdout:
        if line := raw.decode(errors="replace").rstrip():
            _log.debug("  %s", line)
            lines.append(line)


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return


def _ended(process: subprocess.Popen[bytes], within_s: float) -> bool:
    try:
        process.wait(within_s)
    except subprocess.TimeoutExpired:
        return False
    return True
