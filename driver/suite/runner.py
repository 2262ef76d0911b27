"""Runs the suite's entries in order, each in a process with a time limit, and cleans up after it."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import structs

from driver.engines.engine import Engine
from driver.errors import LabError
from driver.labs.take_down import take_down
from driver.paths import project_root
from driver.scenarios.scenario import SystemScenario
from driver.scenarios.scenario_file import Overrides, combinations, find_scenario, load_scenario
from driver.suite.child_process import ProcessExit, StopSignals, run_child
from driver.suite.commands import (
    SLACK_S,
    TESTS_LIMIT_S,
    Flags,
    command_of_tests,
    is_broken,
    lab_command,
    result_of_tests,
    scenario_command,
    scenario_result,
    why_no_tests,
)
from driver.suite.entry import TESTS, EntryOutcome, EntryResult
from driver.terminal import Terminal

JUNIT_OF_TESTS = "tests.xml"


class EntryRunner:
    """Runs entries of one suite. `tick` gets the running entry's last line, each entry the lab's `lock`;
    `paths` are the files of its scenarios, by name. `take_down_system` takes down what the foreign system of
    such a file has left; without effect where it has none.
    """

    def __init__(
        self, folder: Path, flags: Flags, engine: Engine, stop: StopSignals, terminal: Terminal,
        tick: Callable[[str, str], None], lock: int, paths: Mapping[str, Path],
        take_down_system: Callable[[Path], None],
    ) -> None:  # fmt: skip
        self._folder = folder
        self._flags = flags
        self._engine = engine
        self._stop = stop
        self._terminal = terminal
        self._tick = tick
        self._lock = lock
        self._paths = paths
        self._take_down_system = take_down_system
        self._again: set[str] = set()

    def run_again(self, name: str) -> EntryResult:
        """Run an entry a second time, with a log of its own."""
        self._again.add(name)
        return self.run(name)

    def run(self, name: str) -> EntryResult:
        """Run one entry to its end, and return its result; no failure raises."""
        return self._tests() if name == TESTS else self._scenario(name)

    def _tests(self) -> EntryResult:
        if because := why_no_tests():
            return EntryResult(name=TESTS, outcome=EntryOutcome.skipped, because=because)
        junit = self._folder.resolve() / JUNIT_OF_TESTS
        ending, took_s = self._run(
            TESTS, command_of_tests(sys.executable, junit), TESTS_LIMIT_S, project_root()
        )
        return result_of_tests(ending, junit, took_s, self._log(TESTS).name, TESTS)

    def _scenario(self, name: str) -> EntryResult:
        with tempfile.TemporaryDirectory() as folder:
            answer = Path(folder) / "answer.json"
            file = str(self._paths[name])
            command = scenario_command(lab_command(), file, self._flags, answer, self._lock)
            limit = limit_s(file, self._flags.quick, self._flags.controls)
            ending, took_s = self._run(name, command, limit, Path.cwd(), answer)
        result = scenario_result(name, ending, took_s, self._log(name).name)
        if self._stop.asked() and result.outcome is EntryOutcome.inconclusive:
            result = structs.replace(result, because=f"stopped while it ran; {result.because}")
        if is_broken(ending) and (left := self._clean(file)):
            return structs.replace(result, because=f"{result.because} {left}")
        return result

    def _run(
        self, name: str, command: list[str], limit: float, cwd: Path, answer: Path | None = None
    ) -> tuple[ProcessExit, float]:
        began = time.monotonic()
        ending = run_child(
            command, self._log(name), limit, self._stop, lambda line: self._tick(name, line), cwd,
            answer, passed=[self._lock],
        )  # fmt: skip
        return ending, time.monotonic() - began

    def _clean(self, file: str) -> str:
        """Take down the lab of a broken entry; return a sentence when something is left."""
        try:
            self._take_down_system(Path(file))
            down = asyncio.run(take_down(self._engine, self._terminal))
        except LabError as error:
            return f"(It could not be taken down: {error.sentence})"
        return f"(Left afterwards: {', '.join(down.left[:5])}.)" if down.left else ""

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}{'-again' if name in self._again else ''}.log"


def limit_s(name: str, quick: bool, controls: bool) -> float:
    """Return the time limit of a scenario in seconds, by its file, for all its runs together.

    With `controls`, a run of a foreign system has one without faults before it.
    """
    try:
        path = find_scenario(name)
        overrides = Overrides(quick=quick, controls=controls)
        scenario = load_scenario(path, overrides).scenario
        runs = len(combinations(path, overrides)) * scenario.repeat
    except LabError:
        # Its own process will report the error.
        return SLACK_S
    if isinstance(scenario, SystemScenario) and scenario.controls:
        runs *= 2
    return SLACK_S + runs * (SLACK_S + scenario.duration_s + scenario.warmup_s + 2 * scenario.converge_s)
