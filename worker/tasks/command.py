"""Runs a program under a supervisor (supervisor.py), so that its whole process tree ends with it: at its own
end, at the time limit, when the attempt is stopped, and when the worker dies. Its output is kept up to a
bound and read to the end, so that the program never blocks on a full pipe.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from contextlib import suppress

import msgspec

from wire.task_params import CommandParams
from worker import supervisor
from worker.task_kind import AsyncTask, TaskContext, TaskError

_READ_BYTES = 64 * 1024
_GRACE_S = 1.0
_SUPERVISORS: set[int] = set()
_STARTING: set[asyncio.Future[asyncio.subprocess.Process]] = set()
"""The supervisors of this process, and those that are being started."""
_SWEEPS: set[asyncio.Future[None]] = set()
"""Sweeps for orphans. Each spares the supervisors that exist at its begin, so no supervisor starts during
one.
"""


class CommandOutput(msgspec.Struct, frozen=True):
    """The exit code (negative: the signal that ended the program) and its output, cut where `truncated`."""

    exit_code: int
    stdout: str
    stderr: str
    truncated: bool


class _SupervisedProgram:
    """A program and its supervisor, which ends the program's processes within `end_within_s` or is killed."""

    def __init__(
        self, process: asyncio.subprocess.Process, lifeline: socket.socket, end_within_s: float
    ) -> None:
        self._supervisor = process
        self._lifeline = lifeline
        self._end_within_s = end_within_s
        self._has_reported = False

    async def report(self) -> str:
        """Return how the program ended, once its process tree has ended; "" if the supervisor was killed."""
        loop = asyncio.get_running_loop()
        report = b""
        while not report.endswith(b"\n") and (data := await loop.sock_recv(self._lifeline, _READ_BYTES)):
            report += data
        self._has_reported = report.endswith(b"\n")
        return report.decode(errors="replace").rstrip()

    async def read(self, keep_bytes: int) -> tuple[tuple[bytes, bool], tuple[bytes, bool]]:
        """Return the output of both streams, each up to `keep_bytes`, and whether there was more."""
        assert self._supervisor.stdout is not None
        assert self._supervisor.stderr is not None
        return await asyncio.gather(
            _read(self._supervisor.stdout, keep_bytes), _read(self._supervisor.stderr, keep_bytes)
        )

    async def end(self) -> None:
        """End the program's process tree. The supervisor does so by itself once the lifeline is closed,
        unless the task stopped or killed it.
        """
        self._lifeline.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._supervisor.wait(), self._end_within_s + _GRACE_S)
        if self._supervisor.returncode is None:
            for pid in (*supervisor.descendants(self._supervisor.pid), self._supervisor.pid):
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            await self._supervisor.wait()
        _SUPERVISORS.discard(self._supervisor.pid)
        if not self._has_reported:
            await _end_orphans(self._end_within_s)


async def run(
    params: CommandParams, context: TaskContext, end_within_s: float = supervisor.END_WITHIN_S
) -> CommandOutput:
    """Run the program to its end. A non-zero exit code is an output, not an error. A supervisor that does not
    end the program's processes within `end_within_s` is killed with them.

    Raises TaskError at the time limit, or where the program cannot be started.
    """
    program = await _started(params, end_within_s)
    reading = asyncio.ensure_future(program.read(params.keep_bytes))
    try:
        async with asyncio.timeout(params.timeout_ms / 1000):
            exit_code = _exit_code(await program.report(), params.argv[0])
            (stdout, more_out), (stderr, more_err) = await reading
    except TimeoutError:
        took = f"{params.argv[0]!r} took longer than {params.timeout_ms} ms"
        raise TaskError(f"{took} and was killed") from None
    finally:
        reading.cancel()
        await program.end()
    text = stdout.decode(errors="replace"), stderr.decode(errors="replace")
    return CommandOutput(exit_code, *text, more_out or more_err)


def _exit_code(report: str, program: str) -> int:
    how, _, what = report.partition(" ")
    if how not in ("exit", "signal"):
        raise TaskError(f"cannot run {program!r}: {what or 'its supervisor was killed'}")
    return int(what) if how == "exit" else -int(what)


async def _started(params: CommandParams, end_within_s: float) -> _SupervisedProgram:
    while _SWEEPS:
        await asyncio.wait(_SWEEPS)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STORMLAB_")}
    lifeline, child_end = socket.socketpair()
    lifeline.setblocking(False)
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", "-S", supervisor.__file__),
            *params.argv,
            stdin=child_end.fileno(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment | params.env,
            start_new_session=True,
        )
    )
    starting.add_done_callback(lambda _: child_end.close())
    starting.add_done_callback(_has_started)
    _STARTING.add(starting)
    try:
        return _SupervisedProgram(await asyncio.shield(starting), lifeline, end_within_s)
    except (OSError, ValueError) as error:
        lifeline.close()
        raise TaskError(f"cannot run {params.argv[0]!r}: {error}") from None
    except asyncio.CancelledError:
        # Cancelled while the supervisor starts: asyncio would kill the supervisor alone.
        await _SupervisedProgram(await starting, lifeline, end_within_s).end()
        raise


def _has_started(starting: asyncio.Future[asyncio.subprocess.Process]) -> None:
    _STARTING.discard(starting)
    if not starting.cancelled() and starting.exception() is None:
        _SUPERVISORS.add(starting.result().pid)


async def _end_orphans(within_s: float) -> None:
    """End the processes of a task that killed its supervisor: all children of this worker but supervisors."""
    if not supervisor.is_subreaper():
        return  # Without a subreaper of its own, this process has no orphans.
    sweep: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    _SWEEPS.add(sweep)
    try:
        for _ in range(round(within_s / supervisor.LOOK_S)):
            if not _STARTING:
                break
            await asyncio.sleep(supervisor.LOOK_S)  # A new supervisor is not in the set yet.
        await asyncio.to_thread(supervisor.kill_descendants, frozenset(_SUPERVISORS), within_s)
    finally:
        _SWEEPS.discard(sweep)
        sweep.set_result(None)


async def _read(stream: asyncio.StreamReader, keep_bytes: int) -> tuple[bytes, bool]:
    kept = bytearray()
    truncated = False
    while data := await stream.read(_READ_BYTES):
        room = keep_bytes - len(kept)
        kept += data[:room]
        truncated = truncated or len(data) > room
    return bytes(kept), truncated


KIND = AsyncTask(CommandParams, run)
