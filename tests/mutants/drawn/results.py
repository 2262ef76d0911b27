"""What became of mutants, a line each in a file, so that a run can be ended and gone on with."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import msgspec

from tests.mutants.catchers import Caught
from tests.mutants.drawn.choice import KEPT
from tests.mutants.drawn.mutant import Mutant

Fate = Literal["caught", "survives", "no code"]


class Trial(msgspec.Struct, frozen=True):
    """What became of one mutant: `caught` is None for one that survives. `is_code` is false where the
    compiler refuses it: no test was asked.
    """

    mutant: Mutant
    caught: Caught | None
    is_code: bool = True


class _Line(msgspec.Struct, frozen=True):
    """`state` names all code and tests at that time, `digest` the changed file."""

    mutant: str
    digest: str
    state: str
    fate: Fate
    by: str = ""
    because: str = ""
    after_s: float = 0.0


class Results:
    """The file of one seed. A catch counts while its file is the same, since tests do not become blunter; a
    survivor is tried again when anything has changed.
    """

    def __init__(self, seed: int, state: str, *, resume: bool, folder: Path = KEPT) -> None:
        self.file = folder / f"drawn-{seed}.jsonl"
        self._state = state
        folder.mkdir(parents=True, exist_ok=True)
        if not resume:
            self.file.unlink(missing_ok=True)
        self._known = {line.digest: line for line in self._read()}

    def known(self, mutant: Mutant) -> Trial | None:
        """Return what became of a mutant in an earlier run, None where it has to be tried."""
        line = self._known.get(_digest(mutant))
        if line is None or (line.fate == "survives" and line.state != self._state):
            return None
        caught = Caught(line.by, line.because, line.after_s) if line.fate == "caught" else None
        return Trial(mutant, caught, is_code=line.fate != "no code")

    def keep(self, trial: Trial) -> None:
        """Append a line."""
        fate: Fate = "caught" if trial.caught else "survives" if trial.is_code else "no code"
        caught = trial.caught or Caught("", "", 0.0)
        digest = _digest(trial.mutant)
        line = _Line(trial.mutant.key, digest, self._state, fate, caught.by, caught.because, caught.after_s)
        with self.file.open("ab") as lines:
            lines.write(msgspec.json.encode(line) + b"\n")

    def _read(self) -> list[_Line]:
        if not self.file.exists():
            return []
        lines = self.file.read_bytes().splitlines(keepends=True)
        # The last line is cut short where the run was killed while it wrote.
        return [msgspec.json.decode(line, type=_Line) for line in lines if line.endswith(b"\n")]


def _digest(mutant: Mutant) -> str:
    return hashlib.sha256(f"{mutant.file}\n{mutant.changed}".encode()).hexdigest()[:24]
