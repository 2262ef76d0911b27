"""The table of defects and the tests that catch them: as text, and as docs/mutants.md."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.mutants.catchers import SEEDS, Caught
from tests.mutants.sandbox import ROOT
from tests.mutants.trial import Trial

PAGE = ROOT / "docs" / "mutants.md"
WIDEST = 160
HEAD = """# Mutants: defects put into the code, and the tests that catch them

Made by `make mutants`, which fails when one survives; nothing here is typed by hand. Each row is a file in `tests/mutants/defects/`, put into
a copy of the code that ships. *Simulation* runs seeds 0, 1, … (at most {seeds}) until an invariant breaks; *test* is the first of the defect's
tests that fails. Times include the start of a process. A control without a defect passed the same catchers.
"""  # noqa: E501


def line(trial: Trial) -> str:
    """One defect in one line of text."""
    caught = [each for each in (trial.by_simulation, trial.by_test) if each is not None]
    catches = "; ".join(f"{each.by} ({each.after_s:.1f} s)" for each in caught)
    return f"{'SURVIVES' if trial.survives else 'caught':8}  {trial.defect.name:42}  {catches}"


def summary(trials: Sequence[Trial]) -> str:
    """Return how many were caught, and how many by each kind of test."""
    caught = sum(not trial.survives for trial in trials)
    simulated = sum(trial.by_simulation is not None for trial in trials)
    tested = sum(trial.by_test is not None for trial in trials)
    return (
        f"{caught} of {len(trials)} caught: {simulated} by the simulation, {tested} by a test "
        f"(those with real processes run only where no other fails)"
    )


def render(trials: Sequence[Trial], took_s: float, commit: str) -> str:
    """The page."""
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    parts = [
        HEAD.format(seeds=SEEDS),
        f"{when}, commit {commit}, {took_s / 60:.0f} minutes. {summary(trials)}.\n",
        _seed_failures(trials),
        "## All of them\n",
        "| defect | what is wrong | simulation | test |\n|---|---|---|---|",
        *map(_row, trials),
        "\n## What the simulation alone does not see, and why\n",
        "| defect | why |\n|---|---|",
        *(
            f"| `{trial.defect.name}` | {trial.why_unseen} |"
            for trial in trials
            if trial.by_simulation is None
        ),
    ]
    return "\n".join(parts) + "\n"


def write(trials: Sequence[Trial], took_s: float, page: Path = PAGE) -> None:
    """Replace the page."""
    page.write_text(render(trials, took_s, _commit()))


def _seed_failures(trials: Sequence[Trial]) -> str:
    rows = sorted((trial.defect.seed, trial.defect.name) for trial in trials if trial.defect.seed)
    named = "\n".join(f"| {number} | `{name}` |" for number, name in rows)
    head = "## The fourteen failures of the seed's system, brought back\n"
    return f"{head}\n| failure | defect |\n|---|---|\n{named}\n"


def _row(trial: Trial) -> str:
    cells = (
        f"`{trial.defect.name}`", trial.defect.wrong, _catch(trial.by_simulation), _catch(trial.by_test),
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _catch(caught: Caught | None) -> str:
    if caught is None:
        return "–"
    by = caught.by.split("::")[-1]
    because = f": {caught.because}" if by.startswith("seed ") and caught.because else ""
    text = f"{by}{because}".replace("|", "¦").replace("\n", " ")
    return f"{text[:WIDEST]} ({caught.after_s:.1f} s)"


def _commit() -> str:
    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    changed = git(
        "status", "--porcelain", "--", "wire", "coordinator", "worker", "tests/simulation", "tests/mutants"
    )
    return git("rev-parse", "--short", "HEAD") + (" with changes" if changed else "")
