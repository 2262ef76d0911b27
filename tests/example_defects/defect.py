"""A defect in the code of an example: a file, and how it is put into a copy of that example."""

from __future__ import annotations

import tomllib
from enum import StrEnum
from pathlib import Path

import msgspec

from driver.paths import project_root

EXAMPLES = project_root() / "examples"


class Kind(StrEnum):
    """What a defect does to its system."""

    lost = "lost"
    doubled = "doubled"
    reordered = "reordered"
    stuck = "stuck"
    silently_disconnected = "silently disconnected"
    leaked_connection = "leaked connection"


class DefectError(Exception):
    """A defect that cannot be read, does not fit its example, or could not be tried."""


class ExampleDefect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One defect: in `file` of the example, `old` (which occurs once) becomes `new`; `wrong` says what that
    breaks. `check`, an expectation of `scenario`, must fail. `missed` is the reason why it does not, if so.
    """

    example: str
    name: str
    wrong: str
    kind: Kind
    file: str
    scenario: str
    check: str
    old: str
    new: str
    missed: str = ""

    def __str__(self) -> str:
        return f"{self.example}/{self.name}"


def load_all(examples: Path = EXAMPLES) -> list[ExampleDefect]:
    """Every defect of every example. Raises DefectError."""
    return [_load(path) for path in sorted(examples.glob("*/defects/*.toml"))]


def put_into(defect: ExampleDefect, example: Path) -> None:
    """Put a defect into the example in a folder. Raises DefectError where its old text is not there once."""
    file = example / defect.file
    text = file.read_text() if file.is_file() else ""
    times = text.count(defect.old)
    if times != 1 or defect.new == defect.old:
        raise DefectError(
            f"{defect}: its old text occurs {times} times in {defect.file}; bring it up to date"
        )
    file.write_text(text.replace(defect.old, defect.new))


def _load(path: Path) -> ExampleDefect:
    try:
        names = {"example": path.parents[1].name, "name": path.stem}
        return msgspec.convert({**names, **tomllib.loads(path.read_text())}, ExampleDefect)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise DefectError(f"{path}: {error}") from None
