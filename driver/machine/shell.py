"""Runs long programs for the set-up: bounded in time, with progress lines, errors as sentences."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from driver.errors import LabError

Say = Callable[[str], None]

# The part of the set-up that needs root; it writes nothing into the checkout.
ROOT_COMMAND = "sudo .venv/bin/python -m driver.machine"
HEARTBEAT_S = 10.0
POLL_S = 0.2
KEPT_LINES = 15


class MachineError(LabError):
    """The machine cannot be prepared. The message names the next step."""


def say_on_stderr(line: str) -> None:
    """Print a line to standard error, for callers without a terminal."""
    print(f"stormlab: {line}", file=sys.stderr, flush=True)


def run(
    argv: Sequence[str],
    say: Say,
    what: str,
    timeout_s: float,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    first_line_limit_s: float = math.inf,
    heartbeat_s: float = HEARTBEAT_S,
) -> None:
    """Run a long step, with a progress line every `heartbeat_s`.

    `what` finishes the sentence "still …" and names the step in errors. Raises MachineError with the step's
    last lines when it fails, takes longer than `timeout_s`, or prints nothing for `first_line_limit_s`.
    """
    started = time.monotonic()
    lines: deque[str] = deque(maxlen=KEPT_LINES)
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            cwd=cwd,
        )
    except OSError as error:
        raise MachineError(
            f"{what}: cannot run `{argv[0]}`: {error.strerror}. Install it and try again."
        ) from None
    reader = threading.Thread(target=_keep_lines, args=(process, lines), daemon=True)
    reader.start()
    next_report_s = heartbeat_s
    try:
        while (code := _wait(process, POLL_S)) is None:
            elapsed_s = time.monotonic() - started
            if elapsed_s > first_line_limit_s and not lines:
                raise MachineError(f"{what}: no answer within {elapsed_s:.0f} s")
            if elapsed_s > timeout_s:
                raise MachineError(f"{what} took longer than {timeout_s:g} s and was stopped.{_tail(lines)}")
            if elapsed_s >= next_report_s:
                next_report_s += heartbeat_s
                say(f"  still {what} ({elapsed_s:.0f} s): {lines[-1][:80] if lines else '…'}")
    finally:
        _end(process)
    reader.join(timeout=5)
    if code != 0:
        raise MachineError(f"{what} failed: `{' '.join(argv)}` ended with {code}.{_tail(lines)}")


def _keep_lines(process: subprocess.Popen[bytes], lines: deque[str]) -> None:
    assert process.stdout is not None
    for raw in process.stdout:
        if line := raw.decode(errors="replace").strip():
            lines.append(line)


def _wait(process: subprocess.Popen[bytes], timeout_s: float) -> int | None:
    try:
        return process.wait(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        return None


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        if _wait(process, 5) is None:
            process.kill()
            process.wait()


def _tail(lines: Sequence[str]) -> str:
    return "\nIts last lines:\n" + "\n".join(f"  {line}" for line in lines) if lines else ""
