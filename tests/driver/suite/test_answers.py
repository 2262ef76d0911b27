"""What an entry's process says, and what becomes of one that says nothing."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from driver.answer import Answer
from driver.suite.child_process import ProcessExit
from driver.suite.commands import Flags, is_broken, result_of_tests, scenario_command, scenario_result
from driver.suite.entry import EntryOutcome, EntryResult

FLAGS = Flags(
    quick=True, controls=True, host="127.0.0.1", port=21474, project="suite", seed=7, log_level="WARNING",
    results="/r",
)  # fmt: skip


def answer(verdict: str, exit_code: int) -> Answer:
    return Answer(exit_code=exit_code, verdict=verdict, because="so", run="20261124T021500Z-herd")


def scenario(ending: ProcessExit) -> EntryResult:
    return scenario_result("herd", ending, 1.0, "herd.log")


def pytest_said(folder: Path, code: int, cases: str) -> EntryResult:
    junit = folder / "tests.xml"
    junit.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    return result_of_tests(ProcessExit(code, None, "some words\n"), junit, 1.0, "tests.log", "tests")


@pytest.mark.parametrize(
    ("verdict", "code"), [("passed", 0), ("expected_failure", 0), ("failed", 1), ("inconclusive", 2)]
)
def test_a_scenarios_own_verdict_becomes_its_outcome(verdict: str, code: int) -> None:
    result = scenario(ProcessExit(code, answer(verdict, code), ""))
    assert (result.outcome.value, result.because, result.run) == (verdict, "so", "20261124T021500Z-herd")


def test_a_verdict_that_contradicts_the_exit_code_decides_nothing() -> None:
    assert scenario(ProcessExit(1, answer("passed", 0), "")).outcome is EntryOutcome.inconclusive


def test_a_broken_lab_is_inconclusive_with_the_sentence_it_said_and_what_it_kept() -> None:
    broke = Answer(exit_code=70, because="No Docker engine answers.", run="2026Z-herd")
    result = scenario(ProcessExit(70, broke, "lab.py: whatever its log says\n"))
    assert (result.outcome, result.because) == (EntryOutcome.inconclusive, "No Docker engine answers.")
    assert result.run == "2026Z-herd"


def test_a_killed_process_is_inconclusive_and_names_the_signal() -> None:
    result = scenario(ProcessExit(-signal.SIGKILL, None, "running\n"))
    assert result.outcome is EntryOutcome.inconclusive
    assert "SIGKILL" in result.because


def test_an_entry_beyond_its_limit_is_inconclusive_though_it_healed_in_the_end() -> None:
    result = scenario(ProcessExit(2, None, "", timed_out=True))
    assert "too long" in result.because


def test_only_an_end_without_a_verdict_needs_cleaning_up() -> None:
    assert [is_broken(ProcessExit(code, None, "")) for code in (0, 1, 2, 64, 70, -9)] == [False] * 3 + [
        True
    ] * 3


def test_flags_are_handed_on_to_every_scenario() -> None:
    command = scenario_command(["python", "lab.py"], "herd", FLAGS, Path("/a.json"), lock=7)
    assert command[:4] == ["python", "lab.py", "scenario", "herd"]
    for words in (["--port", "21474"], ["--project", "suite"], ["--seed", "7"], ["--host", "127.0.0.1"]):
        assert command[command.index(words[0]) + 1] == words[1]
    assert "--quick" in command
    assert "--controls" in command
    assert command[command.index("--answer") + 1] == "/a.json"
    assert command[command.index("--held-lock") + 1] == "7"


PASSED = '<testcase classname="tests.a" name="test_b"/>'
FAILED = '<testcase classname="tests.a" name="test_c"><failure message="x"/></testcase>'
SKIPPED = '<testcase classname="tests.a" name="test_d"><skipped/></testcase>'


def test_failed_tests_are_named(tmp_path: Path) -> None:
    result = pytest_said(tmp_path, 1, PASSED * 9 + FAILED + SKIPPED)
    assert result.outcome is EntryOutcome.failed
    assert result.because == "1 failed, 9 passed, 1 skipped: tests.a::test_c"


def test_tests_that_passed_say_how_many(tmp_path: Path) -> None:
    assert pytest_said(tmp_path, 0, PASSED * 9).because == "9 passed"


def test_a_report_that_is_none_leaves_what_the_process_said(tmp_path: Path) -> None:
    result = pytest_said(tmp_path, 4, "<testcase")
    assert result.because == "its process ended with 4 and gave no verdict; its last line: some words"


@pytest.mark.parametrize("code", [2, 3, 4, 5])
def test_a_pytest_that_did_not_get_to_its_end_decides_nothing(code: int, tmp_path: Path) -> None:
    assert pytest_said(tmp_path, code, "").outcome is EntryOutcome.inconclusive
