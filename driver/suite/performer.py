"""Performs one entry of the suite: its process, its limit, and a lab that is verified gone when it broke."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from msgspec import structs

from driver.engines.engine import Engine
from driver.errors import LabError
from driver.labs.bring_up import take_down
from driver.machine.root import project_root
from driver.scenarios.scenario_file import Overrides, combinations, find_scenario, load_scenario
from driver.suite.child import Ending, Stop, run_child
from driver.suite.commands import (
    SLACK_S,
    TESTS_LIMIT_S,
    Flags,
    command_of_tests,
    is_broken,
    result_of_tests,
    scenario_command,
    scenario_result,
)
from driver.suite.entry import TESTS, Outcome, Result
from driver.suite.lab_command import lab_command, why_no_tests
from driver.terminal import Terminal

JUNIT_OF_TESTS = "tests.xml"


class Performer:
    """The entries of one suite. `tick` gets the running entry's last line, each entry the lab's `lock`."""

    def __init__(
        self, folder: Path, flags: Flags, engine: Engine, stop: Stop, terminal: Terminal,
        tick: Callable[[str, str], None], lock: int,
    ) -> None:  # fmt: skip
        self._folder = folder
        self._flags = flags
        self._engine = engine
        self._stop = stop
        self._terminal = terminal
        self._tick = tick
        self._lock = lock

    def perform(self, name: str) -> Result:
        """Run one entry to its end; whatever it meets becomes its outcome."""
        return self._tests() if name == TESTS else self._scenario(name)

    def _tests(self) -> Result:
        if because := why_no_tests():
            return Result(name=TESTS, outcome=Outcome.skipped, because=because)
        junit = self._folder.resolve() / JUNIT_OF_TESTS
        ending, took_s = self._run(
            TESTS, command_of_tests(sys.executable, junit), TESTS_LIMIT_S, project_root()
        )
        return result_of_tests(ending, junit, took_s, self._log(TESTS).name, TESTS)

    def _scenario(self, name: str) -> Result:
        with tempfile.TemporaryDirectory() as folder:
            answer = Path(folder) / "answer.json"
            command = scenario_command(lab_command(), name, self._flags, answer, self._lock)
            limit = limit_s(name, self._flags.quick)
            ending, took_s = self._run(name, command, limit, Path.cwd(), answer)
        result = scenario_result(name, ending, took_s, self._log(name).name)
        if self._stop.asked() and result.outcome is Outcome.inconclusive:
            result = structs.replace(result, because=f"stopped while it ran; {result.because}")
        if is_broken(ending) and (left := self._clean()):
            return structs.replace(result, because=f"{result.because} {left}")
        return result

    def _run(
        self, name: str, command: list[str], limit: float, cwd: Path, answer: Path | None = None
    ) -> tuple[Ending, float]:
        began = time.monotonic()
        ending = run_child(
            command, self._log(name), limit, self._stop, lambda line: self._tick(name, line), cwd,
            answer, passed=[self._lock],
        )  # fmt: skip
        return ending, time.monotonic() - began

    def _clean(self) -> str:
        """Take down what a broken entry left; a sentence when something is still there."""
        try:
            down = asyncio.run(take_down(self._engine, self._terminal))
        except LabError as error:
            return f"(It could not be taken down: {error.sentence})"
        return f"(Still there afterwards: {', '.join(down.left[:5])}.)" if down.left else ""

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"


def limit_s(name: str, quick: bool) -> float:
    """How long a scenario may take at most, by what its own file says, all its runs together."""
    try:
        path = find_scenario(name)
        overrides = Overrides(quick=quick)
        scenario = load_scenario(path, overrides).scenario
        runs = len(combinations(path, overrides)) * scenario.repeat
    except LabError:
        # Its own process will say what is wrong with it.
        return SLACK_S
    return SLACK_S + runs * (SLACK_S + scenario.duration_s + scenario.warmup_s + 2 * scenario.converge_s)
