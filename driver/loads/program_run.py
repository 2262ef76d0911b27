"""Runs a program of a load to its end, within a time, while its output is read and kept."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from driver.errors import LabError
from driver.files import unwritable
from driver.process_tree import start_supervised
from driver.visible import one_line
from wire.limits import cut

MOST_KEPT_BYTES = 4 << 20
"""Of all that the programs of a load print, beside operations."""
PIECE_BYTES = 1 << 16
_LAST_BYTES = 400

TakeOutput = Callable[[asyncio.StreamReader], Coroutine[object, object, bool]]
"""Reads a program's output to its end; False where the program is to be ended."""


@dataclass(frozen=True)
class ProgramEnd:
    """How a program ended: `exit 0`, `signal 9`, or `cannot …`; "" where it was ended. `last` is the last
    line of what it said.
    """

    report: str
    last: str

    @property
    def code(self) -> int | None:
        """Its exit code; None where it has none."""
        how, _, number = self.report.partition(" ")
        return int(number) if how == "exit" else None

    def __str__(self) -> str:
        how = f"ended with {self.report}" if self.report else "was ended"
        return f"{how}: {self.last}" if self.last else how


class OutputLog:
    """A file with what the programs of one load print, bounded."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._room_bytes = MOST_KEPT_BYTES

    def keep(self, data: bytes) -> None:
        """Append what still fits. Raises LabError where the file cannot be written."""
        kept = data[: self._room_bytes]
        self._room_bytes -= len(kept)
        if kept:
            try:
                with self._path.open("ab") as file:
                    file.write(kept)
            except OSError as error:
                raise unwritable(self._path, error) from None

    async def read(self, stream: asyncio.StreamReader) -> str:
        """Keep a stream to its end; returns its last line, for a sentence. Raises LabError."""
        last = b""
        while piece := await stream.read(PIECE_BYTES):
            self.keep(piece)
            last = (last + piece)[-_LAST_BYTES:]
            # A stream that always has more leaves the others their turns.
            await asyncio.sleep(0)
        lines = [line for line in last.splitlines() if line.strip()]
        return cut(one_line(lines[-1].decode(errors="replace")), _LAST_BYTES // 2) if lines else ""


async def run_program(
    argv: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    within_s: float,
    take: TakeOutput,
    log: OutputLog,
) -> ProgramEnd:
    """Run a program, and return how it ended; it is ended with all that it started after `within_s`, where
    `take` asks for it, and where this call is cancelled.

    Raises LabError where no process can be made, or what it says cannot be kept.
    """
    try:
        program = await start_supervised(argv, environment, folder)
    except OSError as error:
        raise LabError(f"{argv[0]} cannot be started in {folder}: {error}.") from None
    errors = asyncio.ensure_future(log.read(program.errors))
    taken = asyncio.ensure_future(take(program.output))
    report = ""
    try:
        async with asyncio.timeout(within_s):
            if await taken:
                report = await program.report()
    except TimeoutError:
        pass
    finally:
        await program.end()
        taken.cancel()
        await asyncio.gather(errors, taken, return_exceptions=True)
        # What was not taken: its pipe stays open while there is more.
        while await program.output.read(PIECE_BYTES):
            pass
    return ProgramEnd(report, errors.result())


def check_executable(program: str, home: Path) -> None:
    """Raise ValueError where a program cannot be executed from `home`."""
    # Absolute: `which` searches the PATH for what has no folder, as `.` / `./program` has none.
    path = str((home / program).absolute())
    if shutil.which(path if "/" in program else program) is None:
        where = path if "/" in program else f"{program} on the PATH"
        raise ValueError(f"expected an executable program; found none at {where}")
