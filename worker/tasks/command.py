"""Runs a program: what a distributed testing system is for.

The program has a keeper (worker/keeper.py), so that nothing it started outlives it, whatever that did to get
away: when the program is over, when time is up, when the attempt is stopped, and when the worker dies. What
it writes is kept up to a bound and read to the end, so that it never blocks on a full pipe.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from contextlib import suppress

import msgspec

from wire.kinds import Command
from worker import keeper
from worker.tasks.kind import Context, OnLoop, TaskError

_READ_BYTES = 64 * 1024
_GRACE_S = 1.0
_KEEPERS: set[int] = set()
_STARTING: set[asyncio.Future[asyncio.subprocess.Process]] = set()
"""The keepers of this process, and those that are being started."""
_SWEEPS: set[asyncio.Future[None]] = set()
"""Searches for orphans. Each spares the keepers that it finds, so no keeper starts while one lasts."""


class CommandOutput(msgspec.Struct, frozen=True):
    """The exit code (negative: the signal that ended it) and what it wrote, cut where `truncated`."""

    exit_code: int
    stdout: str
    stderr: str
    truncated: bool


class _Kept:
    """A program under its keeper, as the worker sees both."""

    def __init__(self, keeper: asyncio.subprocess.Process, lifeline: socket.socket) -> None:
        self._keeper = keeper
        self._lifeline = lifeline
        self._is_told = False

    async def said(self) -> str:
        """How the program ended, once all that it started is gone too; "" where the keeper was killed."""
        loop = asyncio.get_running_loop()
        told = b""
        while not told.endswith(b"\n") and (data := await loop.sock_recv(self._lifeline, _READ_BYTES)):
            told += data
        self._is_told = told.endswith(b"\n")
        return told.decode(errors="replace").rstrip()

    async def read(self, keep_bytes: int) -> tuple[tuple[bytes, bool], tuple[bytes, bool]]:
        """What the program wrote to its two streams, each up to `keep_bytes`, and whether there was more."""
        assert self._keeper.stdout is not None
        assert self._keeper.stderr is not None
        return await asyncio.gather(
            _read(self._keeper.stdout, keep_bytes), _read(self._keeper.stderr, keep_bytes)
        )

    async def end(self) -> None:
        """See to it that the program and all that it started are gone. The keeper does so by itself once the
        lifeline is closed, unless the task stopped it or killed it.
        """
        self._lifeline.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._keeper.wait(), keeper.END_WITHIN_S + _GRACE_S)
        if self._keeper.returncode is None:
            for pid in (*keeper.below(self._keeper.pid), self._keeper.pid):
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            await self._keeper.wait()
        _KEEPERS.discard(self._keeper.pid)
        if not self._is_told:
            await _end_orphans()


async def run(params: Command, context: Context) -> CommandOutput:
    """Run the program to its end. An exit code that is not 0 is an output, and no error of the task."""
    kept = await _started(params)
    reading = asyncio.ensure_future(kept.read(params.keep_bytes))
    try:
        async with asyncio.timeout(params.timeout_ms / 1000):
            exit_code = _exit_code(await kept.said(), params.argv[0])
            (stdout, more_out), (stderr, more_err) = await reading
    except TimeoutError:
        took = f"{params.argv[0]!r} took longer than {params.timeout_ms} ms"
        raise TaskError(f"{took} and was killed") from None
    finally:
        reading.cancel()
        await kept.end()
    text = stdout.decode(errors="replace"), stderr.decode(errors="replace")
    return CommandOutput(exit_code, *text, more_out or more_err)


def _exit_code(said: str, program: str) -> int:
    how, _, what = said.partition(" ")
    if how not in ("exit", "signal"):
        raise TaskError(f"cannot run {program!r}: {what or 'its keeper was killed'}")
    return int(what) if how == "exit" else -int(what)


async def _started(params: Command) -> _Kept:
    while _SWEEPS:
        await asyncio.wait(_SWEEPS)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STORMLAB_")}
    lifeline, theirs = socket.socketpair()
    lifeline.setblocking(False)
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", "-S", keeper.__file__),
            *params.argv,
            stdin=theirs.fileno(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment | params.env,
            start_new_session=True,
        )
    )
    starting.add_done_callback(lambda _: theirs.close())
    starting.add_done_callback(_has_started)
    _STARTING.add(starting)
    try:
        return _Kept(await asyncio.shield(starting), lifeline)
    except (OSError, ValueError) as error:
        lifeline.close()
        raise TaskError(f"cannot run {params.argv[0]!r}: {error}") from None
    except asyncio.CancelledError:
        # Stopped between the keeper's start and our hearing of it: asyncio would kill the keeper alone.
        await _Kept(await starting, lifeline).end()
        raise


def _has_started(starting: asyncio.Future[asyncio.subprocess.Process]) -> None:
    _STARTING.discard(starting)
    if not starting.cancelled() and starting.exception() is None:
        _KEEPERS.add(starting.result().pid)


async def _end_orphans() -> None:
    """End what a task left that killed its keeper: whatever is a child of this worker, and is no keeper."""
    if not keeper.is_subreaper():
        return  # They are others' children, where the worker is no process of its own.
    sweep: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    _SWEEPS.add(sweep)
    try:
        for _ in range(round(keeper.END_WITHIN_S / keeper.LOOK_S)):
            if not _STARTING:
                break
            await asyncio.sleep(keeper.LOOK_S)  # A keeper that has just begun is not yet known by its number.
        await asyncio.to_thread(keeper.end_below, frozenset(_KEEPERS))
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


KIND = OnLoop(Command, run)
