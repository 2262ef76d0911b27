"""The suite's entries as commands, and what their answers mean. Pure."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from driver.suite.child import Ending
from driver.suite.entry import Outcome, Result
from wire.decoding import UNDECODABLE

TESTS_LIMIT_S = 3600.0
SLACK_S = 300.0
NAMED = 5


class _Answer(msgspec.Struct):
    """What `lab.py scenario --json` says, as far as the suite needs it."""

    run: str
    verdict: Outcome
    because: str
    exit_code: int


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


def scenario_command(lab: Sequence[str], name: str, flags: Flags) -> list[str]:
    """The command that runs one scenario; `lab` is how lab.py is called here."""
    command = [*lab, "scenario", name, "--json", "--log-level", flags.log_level]
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
    try:
        answer = msgspec.json.decode(ending.answer, type=_Answer)
    except UNDECODABLE:
        answer = None
    if answer is not None and answer.exit_code == ending.code:
        return Result(
            name=name, outcome=answer.verdict, because=answer.because, took_s=took_s, run=answer.run, log=log
        )
    run = answer.run if answer is not None else _kept(ending.tail)
    return Result(
        name=name, outcome=Outcome.inconclusive, because=_broken(ending), took_s=took_s, run=run, log=log
    )


def is_broken(ending: Ending) -> bool:
    """Whether a scenario's process ended as none that judged its run does: its lab may still stand."""
    return ending.code not in (0, 1, 2)


def result_of_tests(ending: Ending, took_s: float, log: str, name: str) -> Result:
    """What pytest says: 0 passed, 1 failed, everything else decides nothing."""
    told = re.findall(r"^=* ?(\d+ (?:passed|failed|error|skipped|deselected).*?) ?=*$", ending.tail, re.M)
    because = told[-1] if told else _broken(ending)
    wrong = re.findall(r"^(?:FAILED|ERROR) (\S+)", ending.tail, re.M)
    if wrong:
        more = f" and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
        because += f": {', '.join(wrong[:NAMED])}{more}"
    outcome = {0: Outcome.passed, 1: Outcome.failed}.get(ending.code, Outcome.inconclusive)
    return Result(name=name, outcome=outcome, because=because, took_s=took_s, log=log)


def _broken(ending: Ending) -> str:
    if ending.too_long:
        return "it took too long and was stopped"
    said = re.findall(r"^lab\.py: (.+)$", ending.tail, re.M)
    if said:
        return str(said[-1])
    if ending.code < 0:
        return f"its process was killed by {signal.Signals(-ending.code).name}"
    lines = [line for line in ending.tail.splitlines() if line.strip()]
    last = f"; its last line: {lines[-1].strip()}" if lines else ""
    return f"its process ended with {ending.code} and gave no verdict{last}"


def _kept(tail: str) -> str:
    """The run's folder that an error names: `What was collected: results/…`."""
    found = re.findall(r"What was collected: (\S+)", tail)
    return Path(found[-1]).name if found else ""
