"""A defect, read from its file, and put into a tree."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec

DEFECTS = Path(__file__).parent / "defects"


class DefectError(Exception):
    """A defect that cannot be read, or does not fit the tree that it is put into."""


class Defect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One defect: in `file`, `old` (which occurs once) becomes `new`, and `wrong` says what that breaks.

    `tests` are the test ids that must catch it where the simulation does not, the cheapest first; `seed` is
    the number of the failure in the seed's system that it brings back, 0 where it is none of them;
    `beyond_simulation` says why the simulation alone cannot see it, "" where it does.
    """

    name: str
    wrong: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...] = ()
    seed: int = 0
    beyond_simulation: str = ""


def load(name: str) -> Defect:
    """The defect of that name. Raises DefectError."""
    path = DEFECTS / f"{name}.toml"
    try:
        return msgspec.convert({"name": name, **tomllib.loads(path.read_text())}, Defect)
    except FileNotFoundError:
        raise DefectError(f"there is no defect {name!r} (expected {path})") from None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise DefectError(f"{path}: {error}") from None


def apply(defect: Defect, root: Path) -> None:
    """Put `defect` into the tree at `root`.

    Raises DefectError where the file does not have the old text exactly once: the code has changed, and the
    defect must follow it.
    """
    path = root / defect.file
    text = path.read_text() if path.exists() else ""
    times = text.count(defect.old)
    if times != 1 or defect.new == defect.old:
        raise DefectError(
            f"{defect.name}: its old text occurs {times} times in {defect.file} (expected once, and a new "
            f"text that differs); bring tests/mutants/defects/{defect.name}.toml up to date with the code"
        )
    path.write_text(text.replace(defect.old, defect.new))
