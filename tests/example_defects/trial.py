"""A run of a scenario on a copy of its example, with a defect or healthy, on real containers."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import msgspec

from driver.exit_codes import ExitCode
from driver.paths import project_root
from driver.scenarios.scenario_file import load_scenario
from tests.example_defects.defect import EXAMPLES, DefectError, ExampleDefect, put_into

LIMIT_S = 900.0
_NOT_COPIED = (".env", "results", "__pycache__", "defects", "*.md")
"""Not the example's code."""


class Trial(msgspec.Struct, frozen=True):
    """What a scenario said of an example. `failed` are the expectations that failed."""

    verdict: str
    failed: tuple[str, ...]
    because: str

    def catches(self, defect: ExampleDefect) -> bool:
        """Whether the run failed, and the check that is meant for the defect did."""
        return self.verdict == "failed" and defect.check in self.failed


@dataclass(frozen=True)
class Planned:
    """A run to be made of an example: with a defect, or the `turn`-th healthy one."""

    example: str
    scenario: str
    defect: ExampleDefect | None = None
    turn: int = 0

    def __str__(self) -> str:
        return str(self.defect) if self.defect else f"{self.scenario}, healthy, run {self.turn}"


def planned(defects: Sequence[ExampleDefect], healthy: int) -> list[Planned]:
    """Each defect's run, and that number of healthy ones, the scenarios in turn."""
    mended = mended_scenarios()
    turns = [
        Planned(example, scenario, turn=at // len(mended) + 1)
        for at, (example, scenario) in enumerate(islice(cycle(mended), healthy))
    ]
    return [Planned(one.example, one.scenario, one) for one in defects] + turns


def mended_scenarios() -> list[tuple[str, str]]:
    """Return example and name of each scenario that passes on its example."""
    paths = sorted(EXAMPLES.glob("*/scenarios/*.yaml"))
    return [
        (path.parents[1].name, path.stem) for path in paths if not load_scenario(path).scenario.known_issues
    ]


def digest_of(run: Planned) -> str:
    """Return a digest of the example's code, the defect in it, and what is run. Raises DefectError."""
    with _copied(run) as example:
        whole = hashlib.sha256(f"{run.scenario} {run.turn}\n".encode())
        for file in sorted(path for path in example.rglob("*") if path.is_file()):
            if file.parent.name == "scenarios" and file.stem != run.scenario:
                continue
            whole.update(f"{file.relative_to(example)}\n".encode() + file.read_bytes())
    return whole.hexdigest()[:24]


def attempt(run: Planned) -> Trial:
    """Run the scenario. Raises DefectError where it came to no verdict."""
    with _copied(run) as example:
        for file in EXAMPLES.glob(f"{run.example}/.env"):
            shutil.copy(file, example)
        path = example / "scenarios" / f"{run.scenario}.yaml"
        argv = [sys.executable, "lab.py", "scenario", str(path), "--json"]
        done = subprocess.run(argv, cwd=project_root(), capture_output=True, text=True, timeout=LIMIT_S)
    if done.returncode not in (ExitCode.PASSED, ExitCode.FAILED, ExitCode.INCONCLUSIVE):
        raise DefectError(f"{run}: {run.scenario} ended with {done.returncode}: {done.stderr[-600:]}")
    answer = json.loads(done.stdout)
    failed = tuple(one["check"] for one in answer["findings"] if one["status"] == "failed")
    return Trial(answer["verdict"], failed, answer["because"])


@contextmanager
def _copied(run: Planned) -> Iterator[Path]:
    """A copy of the example with its defect, in a folder that goes away."""
    with tempfile.TemporaryDirectory(prefix="stormlab-defect-") as folder:
        ignored = shutil.ignore_patterns(*_NOT_COPIED)
        example = Path(shutil.copytree(EXAMPLES / run.example, Path(folder) / run.example, ignore=ignored))
        if run.defect:
            put_into(run.defect, example)
        yield example
