"""What an entry's process says, and what becomes of one that says nothing."""

from __future__ import annotations

import json
import signal

import pytest

from driver.suite.child import Ending
from driver.suite.commands import Flags, is_broken, result_of_tests, scenario_command, scenario_result
from driver.suite.entry import Outcome, Result

FLAGS = Flags(
    quick=True, host="127.0.0.1", port=21474, project="suite", seed=7, log_level="WARNING", results="/r"
)


def answer(verdict: str, exit_code: int) -> bytes:
    return json.dumps(
        {"run": "20261124T021500Z-herd", "verdict": verdict, "because": "so", "exit_code": exit_code, "x": 1}
    ).encode()


def scenario(ending: Ending) -> Result:
    return scenario_result("herd", ending, 1.0, "herd.log")


def pytest_said(code: int, text: str) -> Result:
    return result_of_tests(Ending(code, b"", text), 1.0, "tests.log", "tests")


@pytest.mark.parametrize(
    ("verdict", "code"), [("passed", 0), ("expected_failure", 0), ("failed", 1), ("inconclusive", 2)]
)
def test_a_scenarios_own_verdict_becomes_its_outcome(verdict: str, code: int) -> None:
    result = scenario(Ending(code, answer(verdict, code), ""))
    assert (result.outcome.value, result.because, result.run) == (verdict, "so", "20261124T021500Z-herd")


def test_a_verdict_that_contradicts_the_exit_code_decides_nothing() -> None:
    assert scenario(Ending(1, answer("passed", 0), "")).outcome is Outcome.inconclusive


def test_a_broken_lab_is_inconclusive_with_the_sentence_it_said_and_what_it_kept() -> None:
    tail = "starting\nlab.py: No Docker engine answers.\n        What was collected: /x/results/2026Z-herd\n"
    result = scenario(Ending(70, b"", tail))
    assert (result.outcome, result.because) == (Outcome.inconclusive, "No Docker engine answers.")
    assert result.run == "2026Z-herd"


def test_a_killed_process_is_inconclusive_and_names_the_signal() -> None:
    result = scenario(Ending(-signal.SIGKILL, b'{"run": "half', "running\n"))
    assert result.outcome is Outcome.inconclusive
    assert "SIGKILL" in result.because


def test_an_entry_beyond_its_limit_is_inconclusive_though_it_healed_in_the_end() -> None:
    result = scenario(Ending(2, b"", "", too_long=True))
    assert "too long" in result.because


def test_only_an_end_without_a_verdict_needs_cleaning_up() -> None:
    assert [is_broken(Ending(code, b"", "")) for code in (0, 1, 2, 64, 70, -9)] == [False] * 3 + [True] * 3


def test_flags_are_handed_on_to_every_scenario() -> None:
    command = scenario_command(["python", "lab.py"], "herd", FLAGS)
    assert command[:4] == ["python", "lab.py", "scenario", "herd"]
    for words in (["--port", "21474"], ["--project", "suite"], ["--seed", "7"], ["--host", "127.0.0.1"]):
        assert command[command.index(words[0]) + 1] == words[1]
    assert {"--quick", "--json"} <= set(command)


def test_failed_tests_are_named() -> None:
    result = pytest_said(1, "FAILED tests/a.py::test_b - assert\n===== 1 failed, 9 passed in 3.1s =====\n")
    assert result.outcome is Outcome.failed
    assert result.because == "1 failed, 9 passed in 3.1s: tests/a.py::test_b"


def test_tests_that_passed_say_how_many() -> None:
    assert pytest_said(0, "....\n9 passed in 3.1s\n").because == "9 passed in 3.1s"


@pytest.mark.parametrize("code", [2, 3, 4, 5])
def test_a_pytest_that_did_not_get_to_its_end_decides_nothing(code: int) -> None:
    assert pytest_said(code, "no tests ran\n").outcome is Outcome.inconclusive
