"""The planted defects: a file each in defects/."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec

from tests.mutants.apply import Defect

HERE = Path(__file__).parent
DEFECTS = HERE / "defects"
SCHEDULES = HERE / "schedules"
"""For each defect a plan that shows it."""


class PlantedDefect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One defect: in `file`, `old` becomes `new`; `wrong` is what breaks, `needs` the faults that show it."""

    name: str
    wrong: str
    needs: str
    file: str
    old: str
    new: str

    def as_mutant(self) -> Defect:
        """Return it as what tests.mutants puts into a copy of the tree."""
        return Defect(name=self.name, wrong=self.wrong, file=self.file, old=self.old, new=self.new)


def load_all() -> list[PlantedDefect]:
    """Return every planted defect, by name. Raises msgspec.ValidationError for a file that is none."""
    return [
        msgspec.convert({"name": path.stem, **tomllib.loads(path.read_text())}, PlantedDefect)
        for path in sorted(DEFECTS.glob("*.toml"))
    ]
