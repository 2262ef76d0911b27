"""Runs a program of the user's, and ends it with its whole process tree, also when this process is killed."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from driver.paths import project_root

SUPERVISOR = project_root() / "worker" / "supervisor.py"
"""A script of the standard library alone: it kills all that a program started once its lifeline is closed."""
_REPORT_BYTES = 4_096
_READ_BYTES = 1 << 16
_END_WITHIN_S = 10.0


class SupervisedProgram:
    """A program that was started; `output` and `errors` are what it prints."""

    def __init__(self, process: asyncio.subprocess.Process, lifeline: socket.socket) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self._process = process
        self._lifeline = lifeline
        self._is_open = True
        self.output: asyncio.StreamReader = process.stdout
        self.errors: asyncio.StreamReader = process.stderr

    async def report(self) -> str:
        """Return how it ended once all that it started has: `exit 3`, `signal 9`, or `cannot …` and why it
        could not be started; "" where it was ended, or its supervisor was.
        """
        loop = asyncio.get_running_loop()
        found = b""
        while self._is_open and not found.endswith(b"\n") and len(found) < _REPORT_BYTES:
            try:
                piece = await loop.sock_recv(self._lifeline, _REPORT_BYTES)
            except OSError:
                break
            if not piece:
                break
            found += piece
        return found.decode(errors="replace").strip()

    async def end(self) -> None:
        """End it with all that it started; without effect where it has ended."""
        if self._is_open:
            self._is_open = False
            self._lifeline.close()
        try:
            async with asyncio.timeout(_END_WITHIN_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()


async def start_supervised(
    argv: Sequence[str], environment: Mapping[str, str], folder: Path
) -> SupervisedProgram:
    """Start a program in `folder`. Raises OSError where no process can be made, or the folder is not there; a
    program that cannot be executed says so in its report.
    """
    lifeline, other = socket.socketpair()
    lifeline.setblocking(False)
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(SUPERVISOR)),
            *argv,
            stdin=other.fileno(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(environment),
            cwd=folder,
            limit=_READ_BYTES,
            start_new_session=True,
        )
    )
    starting.add_done_callback(lambda _: other.close())
    try:
        return SupervisedProgram(await asyncio.shield(starting), lifeline)
    except asyncio.CancelledError:
        # Cancelled while the supervisor starts: asyncio would kill the supervisor alone.
        await SupervisedProgram(await starting, lifeline).end()
        raise
    except (OSError, ValueError) as error:
        lifeline.close()
        raise OSError(str(error)) from None
