"""The answer of one command to the process that started it: a file, so that no sentence is searched."""

from __future__ import annotations

from pathlib import Path

import msgspec

from driver.errors import LabError
from driver.files import FileReadError, read_file, write_file
from wire.errors import DECODE_ERRORS

MAX_BYTES = 1 << 20


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """How a command ended. `run`: the name of the folder that was kept; `verdict` "": it gave none."""

    exit_code: int
    because: str
    verdict: str = ""
    run: str = ""


def write_answer(path: Path | None, answer: Answer) -> None:
    """Leave the answer where it is wanted, if it is. Raises LabError."""
    if path is not None:
        write_file(path, msgspec.json.encode(answer))


def answer_of(error: LabError) -> Answer:
    """What a command that broke answers."""
    return Answer(exit_code=int(error.exit_code), because=error.sentence, run=error.kept)


def read_answer(path: Path) -> Answer | None:
    """The answer in a file; None when there is none, or not a whole one."""
    try:
        return msgspec.json.decode(read_file(path, MAX_BYTES), type=Answer)
    except (FileReadError, *DECODE_ERRORS):
        return None
