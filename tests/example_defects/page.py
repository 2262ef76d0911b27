"""docs/example-defects.md: which defect was caught by what, and what healthy runs said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from driver.paths import project_root
from tests.example_defects.defect import ExampleDefect
from tests.example_defects.trial import Planned, Trial

PAGE = project_root() / "docs" / "example-defects.md"
LEAST = 40
"""As many defects are caught at least."""
HEAD = """# Defects in the example systems, and the scenarios that catch them

Made by `make example-defects`, which fails where one is missed without a reason; nothing here is typed by
hand. Each row is a file `examples/EXAMPLE/defects/NAME.toml`, put into a copy of that example, whose scenario
then runs on real containers. It is *caught* where the run FAILED and the check that the file names is among
those that failed: it is the first in its row, and others that failed follow.
"""
HEALTHY = """## The same scenarios without a defect

Each scenario that passes on its example, in turn, on containers of its own. A FAILED would be a false one.
"""


def page(trials: Mapping[Planned, Trial | None]) -> str:
    """The page, as Markdown. What is None was not run."""
    of_defects = [(run.defect, trial) for run, trial in trials.items() if run.defect]
    healthy = [(run, trial) for run, trial in trials.items() if not run.defect and trial]
    parts = [HEAD, _defects(of_defects), HEALTHY, _healthy(healthy)]
    return "\n".join(parts)


def is_enough(trials: Mapping[Planned, Trial]) -> bool:
    """Whether what is missed has a reason, enough is caught, and no healthy run failed."""
    of_defects = [(run.defect, trial) for run, trial in trials.items() if run.defect]
    caught = sum(trial.catches(defect) for defect, trial in of_defects)
    return (
        caught >= min(LEAST, len(of_defects))
        and all(defect.missed or trial.catches(defect) for defect, trial in of_defects)
        and not any(trial.verdict == "failed" for run, trial in trials.items() if not run.defect)
    )


def _defects(trials: Sequence[tuple[ExampleDefect, Trial | None]]) -> str:
    caught = sum(trial.catches(defect) for defect, trial in trials if trial)
    open_ = sum(trial is None for _, trial in trials)
    aside = f"; {open_} were not run" if open_ else ""
    lines = [f"{datetime.now(UTC):%Y-%m-%d}: {caught} of {len(trials)} caught{aside}.", ""]
    lines += ["| example | defect | kind | scenario | caught by |", "|---|---|---|---|---|"]
    for defect, trial in trials:
        cells = (defect.example, defect.wrong, defect.kind, f"`{defect.scenario}`", _by(defect, trial))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _by(defect: ExampleDefect, trial: Trial | None) -> str:
    if trial is None:
        return "not run"
    if not trial.catches(defect):
        return f"**missed** ({trial.verdict}): {defect.missed or trial.because}"
    others = [name for name in trial.failed if name != defect.check]
    return "<br>".join(f"`{name}`" for name in [defect.check, *others])


def _healthy(trials: Sequence[tuple[Planned, Trial]]) -> str:
    said = Counter(trial.verdict for _, trial in trials)
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}: {len(trials)} runs; {said['passed']} passed, {said['inconclusive']} "
        f"inconclusive, {said['failed']} failed.",
        "",
        "| scenario | runs | passed | not passed |",
        "|---|---|---|---|",
    ]
    for scenario in dict.fromkeys(run.scenario for run, _ in trials):
        mine = [trial for run, trial in trials if run.scenario == scenario]
        others = [f"{trial.verdict}: {trial.because}" for trial in mine if trial.verdict != "passed"]
        lines.append(
            f"| `{scenario}` | {len(mine)} | {len(mine) - len(others)} | {'<br>'.join(others) or '0'} |"
        )
    return "\n".join(lines) + "\n"
