"""What became of drawn mutants: as text, and as docs/drawn-mutants.md."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tests import proofs
from tests.mutants.drawn.rooms import ROOMS
from tests.mutants.drawn.trial import Trial
from tests.mutants.sandbox import ROOT

PAGE = ROOT / "docs" / "drawn-mutants.md"
REASONS = Path(__file__).with_name("reasons.toml")
LEAST = 0.90
WIDEST = 150
HEAD = """# Drawn mutants: defects that nobody chose

Made by `make mutants`; nothing here is typed by hand. A seed draws places in the cores, the judge and the toxics, and one change for each place:
an operator of [cosmic-ray](https://cosmic-ray.readthedocs.io/) for Python (or a statement that is left out), one of [gremlins](https://gremlins.dev/)
for Go. Annotations, docstrings, sentences for people and debug checks are not drawn from. Each mutant is judged by the quick tests of its
room, then by {seeds} seeds of the simulation (cores), or by the Go tests (toxics). The command fails below {least:.0%}.
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
    equivalent = sum(trial.caught is None and _is_equivalent(trial, known) for trial in trials)
    return caught / (len(trials) - equivalent) if len(trials) > equivalent else 1.0


def line(trial: Trial) -> str:
    """One mutant in one line of text."""
    told = f"{trial.caught.by} ({trial.caught.after_s:.1f} s)" if trial.caught else "SURVIVES"
    return f"{told[:60]:60}  {trial.mutant.operator}  {trial.mutant.key}"


def summary(trials: Sequence[Trial], known: dict[str, Survivor]) -> str:
    """How many were caught, by room."""
    parts = []
    for room in ROOMS:
        mine = [trial for trial in trials if trial.mutant.room == room.name]
        if mine:
            parts.append(f"{room.name} {share_caught(mine, known):.0%} of {len(mine)}")
    equivalent = sum(trial.caught is None and _is_equivalent(trial, known) for trial in trials)
    caught = sum(trial.caught is not None for trial in trials)
    return (
        f"{caught} of {len(trials)} caught, {equivalent} survivors are equivalent: "
        f"{share_caught(trials, known):.1%} ({', '.join(parts)})"
    )


def write(trials: Sequence[Trial], seed: int, took_s: float, seeds: int, page: Path = PAGE) -> None:
    """Replace the page."""
    page.write_text(render(trials, seed, took_s, seeds, reasons(), proofs.commit()))


def render(
    trials: Sequence[Trial], seed: int, took_s: float, seeds: int, known: dict[str, Survivor], commit: str
) -> str:
    """The page."""
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    survivors = [trial for trial in trials if trial.caught is None]
    parts = [
        HEAD.format(seeds=seeds, least=LEAST),
        f"{when}, commit {commit}, seed {seed}, {took_s / 60:.0f} minutes.",
        f"{summary(trials, known)}.\n",
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
    return f"| {mutant.room} | {mutant.file}:{mutant.line} | {_change(trial)} | {why} |"


def _caught_row(trial: Trial) -> str:
    assert trial.caught is not None
    by = trial.caught.by.split("::")[-1]
    because = f": {trial.caught.because}" if by.startswith("seed ") else ""
    return f"| {trial.mutant.file}:{trial.mutant.line} | {_change(trial)} | {_cell(by + because)} |"


def _change(trial: Trial) -> str:
    before, after = trial.mutant.lines()
    return f"`{_cell(before)}` → `{_cell(after)}`"


def _cell(text: str) -> str:
    return text.replace("|", "¦").replace("`", "'").replace("\n", " ")[:WIDEST]


def _is_equivalent(trial: Trial, known: dict[str, Survivor]) -> bool:
    survivor = known.get(trial.mutant.key)
    return survivor is not None and survivor.equivalent
