"""Defects in the code of the example systems, each before the scenario that must catch it.

python -m tests.example_defects

A defect is a file `examples/EXAMPLE/defects/NAME.toml`. It is put into a copy of that example, whose scenario
then runs on real containers: it is caught where that FAILED by a finding. Without a defect, each passes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import msgspec

from driver.exit_codes import ExitCode
from driver.machine.example_images import ensure_example_images, write_env_files
from driver.paths import project_root

EXAMPLES = project_root() / "examples"
PAGE = project_root() / "docs" / "example-defects.md"
LIMIT_S = 600.0
HEAD = """# Defects in the example systems, and the scenarios that catch them

Made by `make example-defects`, which fails when one is missed; nothing here is typed by hand. Each row is a
file `examples/EXAMPLE/defects/NAME.toml`, put into a copy of that example. *Caught by* are the findings that
failed. Each scenario passes without a defect.
"""


class Kind(StrEnum):
    """What a defect does to its system."""

    lost = "lost"
    doubled = "doubled"
    reordered = "reordered"
    stuck = "stuck"
    silently_disconnected = "silently disconnected"
    leaked_connection = "leaked connection"


class DefectError(Exception):
    """A defect that cannot be read, or does not fit its example."""


class ExampleDefect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One defect: in `file` of the example, `old` (which occurs once) becomes `new`; `wrong` says what that
    breaks, and `scenario` is the one that must catch it.
    """

    example: str
    name: str
    wrong: str
    kind: Kind
    file: str
    scenario: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.example}/{self.name}"


class Trial(msgspec.Struct, frozen=True):
    """What a scenario said of an example. `failed` are the expectations that failed; "" is no defect."""

    name: str
    scenario: str
    verdict: str
    failed: tuple[str, ...]
    because: str

    @property
    def is_caught(self) -> bool:
        return self.verdict == "failed" and bool(self.failed)


def load_all(examples: Path = EXAMPLES) -> list[ExampleDefect]:
    """Every defect of every example. Raises DefectError."""
    return [_load(path) for path in sorted(examples.glob("*/defects/*.toml"))]


def _load(path: Path) -> ExampleDefect:
    try:
        names = {"example": path.parents[1].name, "name": path.stem}
        return msgspec.convert({**names, **tomllib.loads(path.read_text())}, ExampleDefect)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise DefectError(f"{path}: {error}") from None


def put_into(defect: ExampleDefect, example: Path) -> None:
    """Put a defect into the example in a folder. Raises DefectError where its old text is not there once."""
    file = example / defect.file
    text = file.read_text() if file.is_file() else ""
    times = text.count(defect.old)
    if times != 1 or defect.new == defect.old:
        raise DefectError(
            f"{defect}: its old text occurs {times} times in {defect.file}; bring it up to date"
        )
    file.write_text(text.replace(defect.old, defect.new))


@contextmanager
def copied(example: str) -> Iterator[Path]:
    """A copy of an example, beside the images' variables of its folder, that goes away."""
    with tempfile.TemporaryDirectory(prefix="stormlab-defect-") as folder:
        yield Path(shutil.copytree(EXAMPLES / example, Path(folder) / example))


def run_scenario(name: str, example: Path, scenario: str) -> Trial:
    """Run a scenario of the example in a folder. Raises DefectError where it did not come to a verdict."""
    argv = [sys.executable, "lab.py", "scenario", str(example / "scenarios" / f"{scenario}.yaml"), "--json"]
    done = subprocess.run(argv, cwd=project_root(), capture_output=True, text=True, timeout=LIMIT_S)
    if done.returncode not in (ExitCode.PASSED, ExitCode.FAILED, ExitCode.INCONCLUSIVE):
        raise DefectError(f"{name}: {scenario} ended with {done.returncode}: {done.stderr[-600:]}")
    answer = json.loads(done.stdout)
    failed = tuple(one["check"] for one in answer["findings"] if one["status"] == "failed")
    return Trial(name, scenario, answer["verdict"], failed, answer["because"])


def attempt(defect: ExampleDefect) -> Trial:
    """Run the scenario of a defect with it. Raises DefectError."""
    with copied(defect.example) as example:
        put_into(defect, example)
        return run_scenario(str(defect), example, defect.scenario)


def controls(defects: Sequence[ExampleDefect]) -> list[Trial]:
    """Run each scenario of the defects without one, and return those that do not pass. Raises DefectError."""
    wanted = dict.fromkeys((one.example, one.scenario) for one in defects)
    found = []
    for name, scenario in wanted:
        with copied(name) as example:
            trial = run_scenario(name, example, scenario)
        print(
            f"{'passes' if trial.verdict == 'passed' else trial.verdict:9} {scenario}, no defect", flush=True
        )
        if trial.verdict != "passed":
            found.append(trial)
    return found


def page(defects: Sequence[ExampleDefect], trials: Sequence[Trial]) -> str:
    """The table, as Markdown."""
    caught = sum(trial.is_caught for trial in trials)
    lines = [HEAD, f"{datetime.now(UTC):%Y-%m-%d}: {caught} of {len(trials)} caught.", ""]
    lines += ["| example | defect | kind | scenario | caught by |", "|---|---|---|---|---|"]
    for defect, trial in zip(defects, trials, strict=True):
        by = "<br>".join(trial.failed) if trial.is_caught else f"**missed**: {trial.verdict}, {trial.because}"
        lines.append(f"| {defect.example} | {defect.wrong} | {defect.kind} | `{defect.scenario}` | {by} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Return 0 where every defect is caught, 1 where one is missed, 70 where one could not be run."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--only", metavar="EXAMPLE[/NAME]", nargs="+", default=[], help="these alone")
    arguments.add_argument("--no-control", action="store_true", help="do not run scenarios without a defect")
    chosen = arguments.parse_args()
    write_env_files(EXAMPLES, ensure_example_images(print, project_root()))
    every = load_all()
    defects = [one for one in every if not chosen.only or {str(one), one.example} & set(chosen.only)]
    try:
        if not chosen.no_control and (wrong := controls(defects)):
            print(f"without a defect {', '.join(one.scenario for one in wrong)} does not pass")
            return ExitCode.LAB_BROKE
        trials = []
        for defect in defects:
            trials.append(attempt(defect))
            outcome = f"caught by {trials[-1].failed[0]}" if trials[-1].is_caught else "MISSED"
            print(f"{defect!s:44} {trials[-1].verdict:13} {outcome}", flush=True)
    except DefectError as error:
        print(error, file=sys.stderr)
        return ExitCode.LAB_BROKE
    if len(defects) == len(every):
        PAGE.write_text(page(defects, trials))
    missed = [trial.name for trial in trials if not trial.is_caught]
    print(f"{len(trials) - len(missed)} of {len(trials)} caught")
    return ExitCode.FAILED if missed else ExitCode.PASSED


if __name__ == "__main__":
    sys.exit(main())
