"""The suite's entries as commands, and what their answers mean. Pure."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from driver.files import FileReadError, read_file
from driver.suite.child import Ending
from driver.suite.entry import Outcome, Result

TESTS_LIMIT_S = 3600.0
SLACK_S = 300.0
NAMED = 5
MAX_BYTES = 64 << 20


@dataclass(frozen=True)
class Flags:
    """What the suite hands on to every scenario. `results` is the folder that keeps all runs."""

    quick: bool
    host: str
    port: int | None
    project: str
    seed: int | None
    log_level: str
    results: str


def scenario_command(lab: Sequence[str], name: str, flags: Flags, answer: Path, lock: int) -> list[str]:
    """The command that runs one scenario; `lab` is how lab.py is called here, `answer` the file it leaves.

    `lock` is the descriptor of the lab's lock, which it is to go on under.
    """
    command = [*lab, "scenario", name, "--answer", str(answer), "--log-level", flags.log_level]
    command += ["--held-lock", str(lock)]
    command += ["--host", flags.host, "--project", flags.project, "--results", flags.results]
    command += ["--quick"] if flags.quick else []
    command += ["--port", str(flags.port)] if flags.port is not None else []
    command += ["--seed", str(flags.seed)] if flags.seed is not None else []
    return command


def command_of_tests(python: str, junit: Path) -> list[str]:
    """The command that runs unit, simulation and integration tests; the scenarios are the end-to-end ones."""
    return [python, "-m", "pytest", "-q", "tests", "--ignore=tests/e2e", f"--junitxml={junit}"]


def scenario_result(name: str, ending: Ending, took_s: float, log: str) -> Result:
    """What a scenario's process says of it. One that broke, or says nothing whole, is inconclusive."""
    answer = ending.answer
    known = {outcome.value for outcome in Outcome}
    if answer is not None and answer.exit_code == ending.code and answer.verdict in known:
        outcome, because = Outcome(answer.verdict), answer.because
    else:
        outcome, because = Outcome.inconclusive, _broken(ending)
    run = answer.run if answer is not None else ""
    return Result(name=name, outcome=outcome, because=because, took_s=took_s, run=run, log=log)


def is_broken(ending: Ending) -> bool:
    """Whether a scenario's process ended as none that judged its run does: its lab may still stand."""
    return ending.code not in (0, 1, 2)


def result_of_tests(ending: Ending, junit: Path, took_s: float, log: str, name: str) -> Result:
    """What pytest says: 0 passed, 1 failed, everything else decides nothing. Its figures are in `junit`."""
    outcome = {0: Outcome.passed, 1: Outcome.failed}.get(ending.code, Outcome.inconclusive)
    because = _counted(junit) or _broken(ending)
    return Result(name=name, outcome=outcome, because=because, took_s=took_s, log=log)


def _counted(junit: Path) -> str:
    """`1 failed, 9 passed: tests.a::test_b`; "" where pytest wrote no whole report."""
    try:
        cases = list(ElementTree.fromstring(read_file(junit, MAX_BYTES)).iter("testcase"))
    except (FileReadError, ElementTree.ParseError):
        return ""
    wrong = [case for case in cases if any(part.tag in ("failure", "error") for part in case)]
    skipped = sum(any(part.tag == "skipped" for part in case) for case in cases)
    counts = {"failed": len(wrong), "passed": len(cases) - len(wrong) - skipped, "skipped": skipped}
    told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    names = [f"{case.get('classname', '')}::{case.get('name', '')}" for case in wrong]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{told}: {', '.join(names[:NAMED])}{more}" if names else told


def _broken(ending: Ending) -> str:
    if ending.too_long:
        return "it took too long and was stopped"
    if ending.answer is not None and not ending.answer.verdict:
        return ending.answer.because
    if ending.code < 0:
        return f"its process was killed by {signal.Signals(-ending.code).name}"
    lines = [line for line in ending.tail.splitlines() if line.strip()]
    last = f"; its last line: {lines[-1].strip()}" if lines else ""
    return f"its process ended with {ending.code} and gave no verdict{last}"
