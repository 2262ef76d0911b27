"""Runs a program: what a distributed testing system is for.

The program has a process group of its own, so that nothing it started outlives it when time is up or the
attempt is stopped. What it writes is kept up to a bound and read to the end, so that it never blocks on a
full pipe.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal

import msgspec

from wire.kinds import Command
from worker.tasks.kind import Context, OnLoop, TaskError

_READ_BYTES = 64 * 1024


class CommandOutput(msgspec.Struct, frozen=True):
    """The exit code (negative: the signal that ended it) and what it wrote, cut where `truncated`."""

    exit_code: int
    stdout: str
    stderr: str
    truncated: bool


async def run(params: Command, context: Context) -> CommandOutput:
    """Run the program to its end. An exit code that is not 0 is an output, and no error of the task."""
    process = await _started(params)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(params.timeout_ms / 1000):
            (stdout, more_out), (stderr, more_err), exit_code = await asyncio.gather(
                _read(process.stdout, params.keep_bytes),
                _read(process.stderr, params.keep_bytes),
                process.wait(),
            )
    except TimeoutError:
        took = f"{params.argv[0]!r} took longer than {params.timeout_ms} ms"
        raise TaskError(f"{took} and was killed") from None
    finally:
        # In every case: a background child must not outlive its task either.
        _kill_group(process)
    text = stdout.decode(errors="replace"), stderr.decode(errors="replace")
    return CommandOutput(exit_code, *text, more_out or more_err)


async def _started(params: Command) -> asyncio.subprocess.Process:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STORMLAB_")}
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *params.argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment | params.env,
            start_new_session=True,
        )
    )
    try:
        return await asyncio.shield(starting)
    except (OSError, ValueError) as error:
        raise TaskError(f"cannot run {params.argv[0]!r}: {error}") from None
    except asyncio.CancelledError:
        # Stopped between the program's start and our hearing of it: asyncio would kill the program alone.
        _kill_group(await starting)
        raise


def _kill_group(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


async def _read(stream: asyncio.StreamReader, keep_bytes: int) -> tuple[bytes, bool]:
    kept = bytearray()
    truncated = False
    while data := await stream.read(_READ_BYTES):
        room = keep_bytes - len(kept)
        kept += data[:room]
        truncated = truncated or len(data) > room
    return bytes(kept), truncated


KIND = OnLoop(Command, run)
