"""What the end-to-end tests share: the command line on real containers, under project names of their own."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from driver.exit_codes import ExitCode
from tests.ports import reserved_pair

ROOT = Path(__file__).resolve().parents[2]
SHORT_HERD = Path(__file__).with_name("short_herd.yaml")
LIMIT_S = 240.0
DECIDED_WITHIN_RUNS = 3
TOO_BUSY = "this machine was too busy"
_numbers = itertools.count(1)


@dataclass
class CommandLine:
    """lab.py for one project, on ports that are free."""

    project: str
    results: Path
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=lambda: reserved_pair("127.0.0.1"))

    def argv(self, *words: str) -> list[str]:
        """The command with the options that make it this project's."""
        own = ["--project", self.project]
        if words[0] in ("up", "scenario"):
            own += ["--port", str(self.port)]
        if words[0] == "scenario":
            own += ["--results", str(self.results)]
        return [sys.executable, str(ROOT / "lab.py"), *words, *own]

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            self.argv(*words),
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            env=self._environment(),
            cwd=ROOT,
        )

    def decided(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a scenario to its end, again where this machine was too busy with other tests to decide."""
        for _ in range(DECIDED_WITHIN_RUNS):
            done = self(*words)
            if done.returncode != ExitCode.INCONCLUSIVE or TOO_BUSY not in done.stdout:
                return done
        return done

    def started(self, *words: str) -> subprocess.Popen[str]:
        """Start a command, and leave it running."""
        return subprocess.Popen(
            self.argv(*words),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self._environment(),
            cwd=ROOT,
            start_new_session=True,
        )

    def run_folder(self) -> Path:
        """The newest run."""
        return (self.results / "latest").resolve()

    def verdict(self) -> dict[str, Any]:
        """The newest run's verdict.json."""
        found: dict[str, Any] = json.loads((self.run_folder() / "verdict.json").read_text())
        return found

    def leftovers(self) -> list[str]:
        """Containers, networks and volumes that Docker still has of this project."""
        label = f"label=com.docker.compose.project={self.project}"
        listings = (["ps", "-aq"], ["network", "ls", "-q"], ["volume", "ls", "-q"])
        return [
            line
            for words in listings
            for line in docker(*words, "--filter", label).splitlines()
            if line.strip()
        ]

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "COLUMNS": "80", **self.environment}


def docker(*words: str, check: bool = True) -> str:
    """What the docker client prints."""
    done = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=60, check=check)
    return done.stdout


@pytest.fixture(scope="session", autouse=True)
def images() -> None:
    """The images, built before any test's own time limit counts."""
    subprocess.run([sys.executable, str(ROOT / "lab.py"), "build"], check=True, timeout=900, cwd=ROOT)


def new_command_line(results: Path, **named: Any) -> CommandLine:
    """A command line for a project of its own."""
    return CommandLine(f"e2e-{os.getpid()}-{next(_numbers)}", results, **named)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[CommandLine]:
    """A command line whose lab is taken down afterwards, whatever the test did."""
    line = new_command_line(tmp_path / "results")
    yield line
    line.environment = {}
    line("down", "--force")


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """A lab of three workers that is up for all tests of a module."""
    line = new_command_line(tmp_path_factory.mktemp("standing"))
    done = line("up", "--workers", "3")
    assert done.returncode == 0, done.stderr
    yield line
    line("down", "--force")
