"""One drawn mutant: a file with one place changed."""

from __future__ import annotations

import difflib
from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """`file` (from the root) reads `changed` instead of `original`; `operator` names how."""

    room: str
    file: str
    line: int
    operator: str
    original: str
    changed: str

    @property
    def key(self) -> str:
        """What names this mutant while the code around it moves: file, operator, and the lines before and
        after.
        """
        before, after = self.lines()
        return f"{self.file}: {before} → {after}"

    def lines(self) -> tuple[str, str]:
        """The lines that differ, before and after, each stripped and joined."""
        old, new = self.original.splitlines(), self.changed.splitlines()
        gone, come = [], []
        for _, begin, end, start, stop in difflib.SequenceMatcher(None, old, new, False).get_opcodes():
            if old[begin:end] != new[start:stop]:
                gone += old[begin:end]
                come += new[start:stop]
        return " ".join(line.strip() for line in gone), " ".join(line.strip() for line in come)
