"""The outcome of each pair, kept in a file from which the page is made."""

from __future__ import annotations

from pathlib import Path

import msgspec


class PairOutcome(msgspec.Struct, frozen=True):
    """One run of a scenario against a defect. `failed` gives each failed finding its sentence."""

    scenario: str
    defect: str
    wrong: str
    verdict: str
    exit_code: int
    failed: dict[str, str]
    noticed_by: tuple[str, ...]
    seed: int
    date: str
    commit: str
    run: str
    took_s: float

    @property
    def right(self) -> list[str]:
        """The findings that should have failed, and did."""
        return [name for name in self.noticed_by if name in self.failed]

    @property
    def caught(self) -> bool:
        """Whether the run failed, and for the right reason."""
        return self.verdict == "failed" and self.exit_code == 1 and bool(self.right)

    def sentence(self) -> str:
        """For the terminal."""
        word = "caught" if self.caught else "MISSED"
        why = "; ".join(f"{name}: {because}" for name, because in self.failed.items()) or "nothing failed"
        return f"{word} {self.scenario} × {self.defect}: {self.verdict} ({why})"


class Record:
    """One line a pair, the newest run of it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self) -> dict[tuple[str, str], PairOutcome]:
        """Every pair that was run, by scenario and defect."""
        if not self._path.exists():
            return {}
        outcome = msgspec.json.decode(self._path.read_bytes(), type=list[PairOutcome])
        return {(one.scenario, one.defect): one for one in outcome}

    def keep(self, outcome: PairOutcome) -> None:
        """Take up what a run came to, in place of an older one."""
        everything = {**self.all(), (outcome.scenario, outcome.defect): outcome}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        data = msgspec.json.encode(list(everything.values()))
        fresh.write_bytes(msgspec.json.format(data, indent=1))
        fresh.rename(self._path)
