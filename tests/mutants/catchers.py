"""Catchers of a defect: the simulation, and tests by their ids. Each runs in the copy for a bounded time."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tests.mutants.apply import Defect, DefectError
from tests.mutants.search import SearchResult

SEEDS = 300
SIMULATION_S = 120
TESTS_S = 120
DEAR = (
    "tests/integration/",
    "tests/systems/",
    "tests/coordinator/test_process.py",
    "tests/worker/test_over_a_socket.py",
)
"""Tests that start real processes."""
FORK_SERVER = Path(__file__).with_name("fork_server.py")
GO_S = 300
_GO_FAILED = re.compile(r"^--- FAIL: (\S+)", re.M)
_FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - (.*))?$", re.M)


@dataclass(frozen=True)
class Caught:
    """What caught a defect, how, and after how long (seconds, the start of a process included)."""

    by: str
    because: str
    after_s: float


def is_dear(test: str) -> bool:
    """Whether a test starts real processes."""
    return test.startswith(DEAR)


def by_simulation(
    root: Path, seeds: int = SEEDS, limit_s: float = SIMULATION_S, cpu_s: int = 0
) -> Caught | None:
    """Return the first of `seeds` seeds that breaks; None where none does. The limits are in seconds by the
    clock and of processor time (0: none). Raises DefectError for code that does not run.
    """
    began_s = time.monotonic()
    limit = ["--cpu-s", str(cpu_s)] if cpu_s else []
    command = [sys.executable, "-m", "tests.mutants.search", "--seeds", str(seeds), *limit]
    status, out = run_for(command, root, limit_s)
    after_s = time.monotonic() - began_s
    if status is None:
        return Caught("simulation", f"no end within {limit_s:.0f} s", after_s)
    if status == -signal.SIGXCPU:
        return Caught("simulation", f"no end within {cpu_s} s of processor time", after_s)
    if status != 0:
        raise DefectError(f"the code does not run:\n{out[-2000:]}")
    found = msgspec.json.decode(out.splitlines()[-1], type=SearchResult)
    if not Path(found.code).is_relative_to(root):
        raise DefectError(f"the simulation ran {found.code} and not the copy in {root}")
    return None if found.seed is None else Caught(f"seed {found.seed}", found.because, after_s)


def by_tests(root: Path, ids: Sequence[str], fork_server: ForkServer | None = None) -> Caught | None:
    """The first of these tests that fails; None where all pass. Raises DefectError where they could not
    be run.
    """
    if not ids:
        return None
    began_s = time.monotonic()
    arguments = ["-x", "-q", "-p", "no:cacheprovider", "-p", "tests.mutants.hypothesis_profile", *ids]
    if fork_server is not None:
        status, out = fork_server.pytest(root, arguments)
    else:
        status, out = run_for([sys.executable, "-m", "pytest", *arguments], root, TESTS_S)
    after_s = time.monotonic() - began_s
    if status is None:
        return Caught(ids[0], f"no end within {TESTS_S} s", after_s)
    failed = _FAILED.search(out)
    if status == 1 and failed is not None:
        return Caught(failed[1], failed[2] or "", after_s)
    if status != 0:
        raise DefectError(f"pytest could not run {', '.join(ids)}:\n{out[-2000:]}")
    return None


def is_go(defect: Defect) -> bool:
    """Whether the Go tests judge a defect: its `tests` are names of theirs."""
    return defect.file.endswith(".go")


def by_go(root: Path, tests: Sequence[str] = ()) -> Caught | None:
    """The first of these Go tests that fails (of all, where none is named); None where all pass. Raises
    DefectError where there is no Go.
    """
    if shutil.which("go") is None:
        raise DefectError("defects of the toxics need Go 1.24 or newer on PATH, and there is no `go`")
    began_s = time.monotonic()
    run = ["-run", f"^({'|'.join(tests)})$"] if tests else []
    status, out = run_for(["go", "test", "-failfast", *run, "./..."], root / "chaos" / "toxiproxy", GO_S)
    after_s = time.monotonic() - began_s
    if status is None:
        return Caught("go test", f"no end within {GO_S} s", after_s)
    if status == 0:
        return None
    failed = _GO_FAILED.search(out)
    return Caught(failed[1] if failed else "go test", "" if failed else out.strip()[-120:], after_s)


class ForkServer:
    """Runs pytest in forks of a process that has done its imports: a third of the time, where tests are
    short.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(FORK_SERVER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=_environment(),
            start_new_session=True,
        )

    def __enter__(self) -> ForkServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def pytest(
        self, root: Path, arguments: Sequence[str], limit_s: int = TESTS_S, cpu_s: int = 0
    ) -> tuple[int | None, str]:
        """Return the exit status, None when the time was up (by the clock, or processor time where that is
        not 0), and what it printed.
        """
        process, log = self._process, root / "pytest.log"
        assert process.stdin is not None
        assert process.stdout is not None
        order = {
            "root": str(root),
            "arguments": arguments,
            "log": str(log),
            "limit_s": limit_s,
            "cpu_s": cpu_s,
        }
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            raise DefectError("the process that forks the tests ended (see its error output)")
        status = int(answer)
        return (None, "") if status < 0 else (status, log.read_text())


def run_for(command: list[str], root: Path, limit_s: float) -> tuple[int | None, str]:
    """Run a command. Return its exit status, None when the time was up, and what it printed. Whatever it
    started ends with it.
    """
    process = subprocess.Popen(
        command, cwd=root, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        out, _ = process.communicate(timeout=limit_s)
        return process.returncode, out
    except subprocess.TimeoutExpired:
        return None, ""
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def _environment() -> dict[str, str]:
    # A defect's bytecode must never pass for that of another one, whose file has the same size and second.
    python = {"PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"}
    return {**os.environ, **python, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"}
