"""The outcomes of drawn mutants: as text, and as docs/drawn-mutants.md."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tests import proofs
from tests.mutants.drawn.results import Trial
from tests.mutants.drawn.rooms import ROOMS
from tests.mutants.sandbox import ROOT

PAGE = ROOT / "docs" / "drawn-mutants.md"
REASONS = Path(__file__).with_name("reasons.toml")
LEAST = 0.90
SHARE = "caught of those not equivalent"
WIDEST = 150
HEAD = """# Drawn mutants: defects that a seed chooses

Made by `make mutants`; nothing here is typed by hand. A seed draws places in the cores, the judge and the toxics, and one change for each place:
an operator of [cosmic-ray](https://cosmic-ray.readthedocs.io/) for Python (or a statement that is left out), one of [gremlins](https://gremlins.dev/)
for Go. Annotations, docstrings, sentences for people and debug checks are not drawn from. Each mutant is judged by the tests that run its line, then by
the other tests of its room, then by {seeds} seeds of the simulation (cores), or by the Go tests (toxics). A Go mutant that does not compile is not counted.
An equivalent survivor changes nothing that can be seen, and is not counted either. The command fails below {least:.0%}.
"""  # noqa: E501


class Survivor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a mutant survives: `equivalent` ones change nothing that can be seen."""

    mutant: str
    reason: str
    equivalent: bool = False


class _Reasons(msgspec.Struct, forbid_unknown_fields=True):
    survivor: list[Survivor] = []


def reasons(path: Path = REASONS) -> dict[str, Survivor]:
    """Read the reasons, by the mutant's key. Raises msgspec.ValidationError, tomllib.TOMLDecodeError."""
    read = msgspec.convert(tomllib.loads(path.read_text()), _Reasons)
    return {each.mutant: each for each in read.survivor}


def share_caught(trials: Sequence[Trial], known: dict[str, Survivor]) -> float:
    """Return which part of the mutants that are not equivalent was caught; 1 where there are none."""
    caught = sum(trial.caught is not None for trial in trials)
    counted = sum(trial.is_code and not _is_equivalent(trial, known) for trial in trials)
    return caught / counted if counted else 1.0


def line(trial: Trial) -> str:
    """One mutant in one line of text."""
    outcome = "SURVIVES" if trial.is_code else "does not compile"
    if trial.caught is not None:
        outcome = f"{trial.caught.after_s:5.1f} s  {trial.caught.by.split('::')[-1]}"
    return f"{outcome[:60]:60}  {trial.mutant.operator}  {trial.mutant.key}"


def summary(trials: Sequence[Trial], known: dict[str, Survivor]) -> str:
    """How many were caught, by room."""
    parts = []
    for room in ROOMS:
        mine = [trial for trial in trials if trial.mutant.room == room.name]
        if mine:
            parts.append(f"{room.name} {share_caught(mine, known):.0%} of {len(mine)}")
    counts = _Counts.of(trials, known)
    return (
        f"{counts.caught} of {counts.drawn} caught, {counts.equivalent} survivors are equivalent, "
        f"{counts.no_code} do not compile: {share_caught(trials, known):.1%} ({', '.join(parts)})"
    )


@dataclass(frozen=True)
class _Counts:
    drawn: int
    no_code: int
    caught: int
    equivalent: int
    gaps: int

    @classmethod
    def of(cls, trials: Sequence[Trial], known: dict[str, Survivor]) -> _Counts:
        survivors = [trial for trial in trials if trial.is_code and trial.caught is None]
        equivalent = sum(_is_equivalent(trial, known) for trial in survivors)
        no_code = sum(not trial.is_code for trial in trials)
        caught = len(trials) - no_code - len(survivors)
        return cls(len(trials), no_code, caught, equivalent, len(survivors) - equivalent)


def _table(trials: Sequence[Trial], known: dict[str, Survivor]) -> str:
    rows = []
    for name in [*(room.name for room in ROOMS), "all"]:
        mine = [trial for trial in trials if name in (trial.mutant.room, "all")]
        counts = _Counts.of(mine, known)
        cells = (counts.drawn, counts.no_code, counts.caught, counts.equivalent, counts.gaps)
        share = f"{share_caught(mine, known):.1%}"
        rows.append(f"| {name} | {' | '.join(map(str, cells))} | {share} |")
    titles = ("drawn from", "drawn", "do not compile", "caught", "equivalent", "not caught", SHARE)
    return "\n".join([f"| {' | '.join(titles)} |", "|---|---|---|---|---|---|---|", *rows]) + "\n"


def write(trials: Sequence[Trial], drawn: int, seed: int, seeds: int, page: Path = PAGE) -> None:
    """Replace the page; `drawn` is the number of mutants of the whole run."""
    page.write_text(render(trials, drawn, seed, seeds, reasons(), proofs.commit()))


def render(
    trials: Sequence[Trial], drawn: int, seed: int, seeds: int, known: dict[str, Survivor], commit: str
) -> str:
    """The page."""
    tried = f"{drawn} mutants"
    if len(trials) < drawn:
        tried = f"stopped after {len(trials)} of {drawn} mutants, in an order in which all rooms are mixed"
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    survivors = [trial for trial in trials if trial.is_code and trial.caught is None]
    parts = [
        HEAD.format(seeds=seeds, least=LEAST),
        f"{when}, commit {commit}, seed {seed}: {tried}.\n",
        _table(trials, known),
        "## Survivors\n",
        "| room | place | before → after | why |\n|---|---|---|---|",
        *(_row(trial, known) for trial in survivors),
        "\n## Caught\n",
        "| place | before → after | by |\n|---|---|---|",
        *(_caught_row(trial) for trial in trials if trial.caught is not None),
    ]
    return "\n".join(parts) + "\n"


def _row(trial: Trial, known: dict[str, Survivor]) -> str:
    mutant, survivor = trial.mutant, known.get(trial.mutant.key)
    why = "no reason is written yet" if survivor is None else survivor.reason
    if _is_equivalent(trial, known):
        why = f"equivalent: {why}"
    return f"| {mutant.room} | `{mutant.file}:{mutant.line}` | {_change(trial)} | {why} |"


def _caught_row(trial: Trial) -> str:
    assert trial.caught is not None
    by = trial.caught.by.split("::")[-1]
    because = f": {trial.caught.because}" if by.startswith("seed ") else ""
    return f"| `{trial.mutant.file}:{trial.mutant.line}` | {_change(trial)} | {_cell(by + because)} |"


def _change(trial: Trial) -> str:
    before, after = trial.mutant.lines()
    return f"`{_cell(before)}` → `{_cell(after)}`"


def _cell(text: str) -> str:
    return text.replace("|", "¦").replace("`", "'").replace("\n", " ")[:WIDEST]


def _is_equivalent(trial: Trial, known: dict[str, Survivor]) -> bool:
    survivor = known.get(trial.mutant.key)
    return survivor is not None and survivor.equivalent
