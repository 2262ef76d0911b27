"""A command's result for the process that started it: a file, so that no output has to be parsed."""

from __future__ import annotations

from pathlib import Path

import msgspec

from driver.errors import LabError
from driver.files import FileReadError, read_file, write_file
from driver.typed_json import decode_json
from wire.errors import DECODE_ERRORS

MAX_BYTES = 1 << 20


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A command's result. `run` is the name of the run's folder; `verdict` is "" where there is none.

    `busy`: the machine was too busy to decide a finding.
    """

    exit_code: int
    because: str
    verdict: str = ""
    run: str = ""
    busy: bool = False


def write_answer(path: Path | None, answer: Answer) -> None:
    """Write the answer to `path`, if any. Raises LabError."""
    if path is not None:
        write_file(path, msgspec.json.encode(answer))


def answer_of(error: LabError) -> Answer:
    """Return the answer of a command that ended with an error."""
    return Answer(exit_code=int(error.exit_code), because=error.sentence, run=error.kept)


def read_answer(path: Path) -> Answer | None:
    """Return the answer in a file; None where it is missing, too large, or not whole."""
    try:
        return decode_json(read_file(path, MAX_BYTES), Answer)
    except (FileReadError, *DECODE_ERRORS):
        return None
