"""The suite's entries as commands, and the results of their processes."""

from __future__ import annotations

import importlib.util
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from driver.files import FileReadError, read_file
from driver.paths import is_checkout, project_root
from driver.suite.child_process import ProcessExit
from driver.suite.entry import EntryOutcome, EntryResult

TESTS_LIMIT_S = 3600.0
SLACK_S = 300.0
NAMED = 5
MAX_BYTES = 64 << 20


@dataclass(frozen=True)
class Flags:
    """What the suite hands on to every scenario. `results` is the folder of all runs, `engine` the one
    that the command line names (None: none).
    """

    quick: bool
    controls: bool
    host: str
    port: int | None
    project: str
    seed: int | None
    log_level: str
    results: str
    engine: str | None = None


def lab_command() -> list[str]:
    """Return the command that runs this lab's command line."""
    root = project_root()
    return [sys.executable, str(root / "lab.py")] if is_checkout(root) else [sys.executable, "-m", "lab"]


def why_no_tests() -> str:
    """Return why the tests cannot run here; "" where they can."""
    root = project_root()
    if not is_checkout(root) or not (root / "tests").is_dir():
        return "an installed lab has no tests; run the suite in a checkout for them"
    if importlib.util.find_spec("pytest") is None:
        return "pytest is not installed here; `make dev` installs it"
    return ""


def scenario_command(lab: Sequence[str], name: str, flags: Flags, answer: Path, lock: int) -> list[str]:
    """Return the command of one scenario. `lab` is the command of lab.py, `answer` the file for its answer,
    `lock` the descriptor of the lab's lock, which it inherits.
    """
    command = [*lab, "scenario", name, "--answer", str(answer), "--log-level", flags.log_level]
    command += ["--held-lock", str(lock)]
    command += ["--host", flags.host, "--project", flags.project, "--results", flags.results]
    command += ["--quick"] if flags.quick else []
    command += ["--controls" if flags.controls else "--no-controls"]
    command += ["--port", str(flags.port)] if flags.port is not None else []
    command += ["--engine", flags.engine] if flags.engine is not None else []
    command += ["--seed", str(flags.seed)] if flags.seed is not None else []
    return command


def command_of_tests(python: str, junit: Path) -> list[str]:
    """Return the command of all tests but those that start labs of their own."""
    ignored = [f"--ignore=tests/{folder}" for folder in ("conformance", "e2e", "systems")]
    return [python, "-m", "pytest", "-q", "tests", *ignored, f"--junitxml={junit}"]


def scenario_result(name: str, ending: ProcessExit, took_s: float, log: str) -> EntryResult:
    """Return a scenario's result by its process. Without a whole answer it is inconclusive."""
    answer = ending.answer
    known = {outcome.value for outcome in EntryOutcome}
    if answer is not None and answer.exit_code == ending.code and answer.verdict in known:
        outcome, because = EntryOutcome(answer.verdict), answer.because
    else:
        outcome, because = EntryOutcome.inconclusive, _broken(ending)
    run = answer.run if answer is not None else ""
    busy = answer is not None and answer.busy and outcome is EntryOutcome.inconclusive
    return EntryResult(
        name=name, outcome=outcome, because=because, took_s=took_s, run=run, log=log, busy=busy
    )


def is_broken(ending: ProcessExit) -> bool:
    """Whether a scenario's process ended without a verdict: its lab may still be up."""
    return ending.code not in (0, 1, 2)


def result_of_tests(ending: ProcessExit, junit: Path, took_s: float, log: str, name: str) -> EntryResult:
    """Return the tests' result by pytest's code (0 passed, 1 failed, else inconclusive) and its `junit`."""
    outcome = {0: EntryOutcome.passed, 1: EntryOutcome.failed}.get(ending.code, EntryOutcome.inconclusive)
    because = _counted(junit) or _broken(ending)
    return EntryResult(name=name, outcome=outcome, because=because, took_s=took_s, log=log)


def _counted(junit: Path) -> str:
    """Return `1 failed, 9 passed: tests.a::test_b`; "" where pytest's report is missing or not whole."""
    try:
        cases = list(ElementTree.fromstring(read_file(junit, MAX_BYTES)).iter("testcase"))
    except (FileReadError, ElementTree.ParseError):
        return ""
    wrong = [case for case in cases if any(part.tag in ("failure", "error") for part in case)]
    skipped = sum(any(part.tag == "skipped" for part in case) for case in cases)
    counts = {"failed": len(wrong), "passed": len(cases) - len(wrong) - skipped, "skipped": skipped}
    summary = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    names = [f"{case.get('classname', '')}::{case.get('name', '')}" for case in wrong]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{summary}: {', '.join(names[:NAMED])}{more}" if names else summary


def _broken(ending: ProcessExit) -> str:
    if ending.timed_out:
        return "it took too long and was stopped"
    if ending.answer is not None and not ending.answer.verdict:
        return ending.answer.because
    if ending.code < 0:
        return f"its process was killed by {signal.Signals(-ending.code).name}"
    lines = [line for line in ending.tail.splitlines() if line.strip()]
    last = f"; its last line: {lines[-1].strip()}" if lines else ""
    return f"its process ended with {ending.code} and gave no verdict{last}"
