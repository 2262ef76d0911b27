"""Runs a short command to its end, bounded in time."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class CommandResult:
    """A command's output and exit code; `code` is None where it could not start or timed out."""

    code: int | None
    text: str

    @property
    def ok(self) -> bool:
        """Whether it exited with 0."""
        return self.code == 0


def ask(argv: Sequence[str], timeout_s: float = 15, env: Mapping[str, str] | None = None) -> CommandResult:
    """Run a command and return its output (both streams) and status. Raises nothing."""
    try:
        done = subprocess.run(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            env={**os.environ, **(env or {})},
        )
    except OSError as error:
        return CommandResult(None, f"{argv[0]}: {error.strerror}")
    except subprocess.TimeoutExpired:
        return CommandResult(None, f"{' '.join(argv[:3])}: no answer within {timeout_s:g} s")
    return CommandResult(done.returncode, done.stdout.decode(errors="replace").strip())
