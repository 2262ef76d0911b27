"""A defect of worker or coordinator, read from its file, and put into a copy of the code."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec

from tests.mutants.apply import Defect, DefectError, apply, load

FOLDER = Path(__file__).parent / "in_a_lab"
SIDES = ("worker", "coordinator")


class _Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    file: str
    old: str
    new: str


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    wrong: str
    edits: list[_Change]
    sides: list[str] = []


class LabDefect(msgspec.Struct, frozen=True):
    """What goes wrong, the edits that make it so, in their order, and the sides that are built with them."""

    name: str
    wrong: str
    edits: tuple[Defect, ...]
    sides: tuple[str, ...]

    def put_into(self, root: Path) -> None:
        """Change the tree at `root`. Raises DefectError where an edit does not fit it."""
        for edit in self.edits:
            apply(edit, root)


def lab_defect(name: str) -> LabDefect:
    """The defect of that name: one that takes a whole lab to see, or one of tests/mutants.

    Raises DefectError.
    """
    path = FOLDER / f"{name}.toml"
    if not path.exists():
        mutant = load(name)
        return LabDefect(name, mutant.wrong, (mutant,), _sides([mutant.file]))
    try:
        read = msgspec.convert(tomllib.loads(path.read_text()), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise DefectError(f"{path}: {error}") from None
    edits = tuple(Defect(name=name, wrong=read.wrong, file=c.file, old=c.old, new=c.new) for c in read.edits)
    return LabDefect(name, read.wrong, edits, tuple(read.sides) or _sides([edit.file for edit in edits]))


def _sides(files: list[str]) -> tuple[str, ...]:
    """Return the sides that contain these files; wire/ is in both."""
    rooms = {file.partition("/")[0] for file in files}
    return SIDES if "wire" in rooms else tuple(side for side in SIDES if side in rooms)
