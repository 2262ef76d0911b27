"""The suite: what it runs, what ends it, and what all of it together says."""

from __future__ import annotations

import pytest

from driver.errors import UsageError
from driver.exit_codes import ExitCode
from driver.suite.entry import TESTS, EntryOutcome, EntryResult, overall, select
from driver.suite.runner import run_entries

SCENARIOS = ["flood", "herd", "soak"]


def ended(name: str, outcome: EntryOutcome = EntryOutcome.passed) -> EntryResult:
    return EntryResult(name=name, outcome=outcome, because="as told")


def outcomes(results: list[EntryResult]) -> list[EntryOutcome]:
    return [one.outcome for one in results]


def test_without_only_the_tests_come_first_and_then_every_scenario() -> None:
    assert select([], SCENARIOS) == [TESTS, *SCENARIOS]


def test_only_keeps_the_suites_own_order() -> None:
    assert select(["soak", "flood"], SCENARIOS) == ["flood", "soak"]


def test_only_scenarios_leaves_the_tests_out() -> None:
    assert select(["scenarios"], SCENARIOS) == SCENARIOS


def test_an_unknown_entry_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageError) as refused:
        select(["hard"], SCENARIOS)
    assert "herd" in refused.value.hint


def test_an_entry_that_decides_nothing_does_not_end_the_suite() -> None:
    results = run_entries(
        ["flood", "herd"],
        lambda name: ended(name, EntryOutcome.inconclusive if name == "flood" else EntryOutcome.passed),
        lambda: False,
        lambda results: None,
    )
    assert outcomes(results) == [EntryOutcome.inconclusive, EntryOutcome.passed]


@pytest.mark.parametrize("bad", [EntryOutcome.failed, EntryOutcome.inconclusive])
def test_fail_fast_ends_the_suite_with_the_first_unexpected_entry(bad: EntryOutcome) -> None:
    results = run_entries(
        SCENARIOS,
        lambda name: ended(name, bad if name == "herd" else EntryOutcome.expected_failure),
        lambda: False,
        lambda results: None,
        fail_fast=True,
    )
    assert outcomes(results) == [EntryOutcome.expected_failure, bad, EntryOutcome.not_run]
    assert "--fail-fast" in results[-1].because


def test_a_stop_keeps_what_ran_and_names_what_did_not() -> None:
    ran: list[str] = []

    def perform(name: str) -> EntryResult:
        ran.append(name)
        return ended(name)

    results = run_entries(SCENARIOS, perform, lambda: len(ran) == 1, lambda results: None)
    assert ran == ["flood"]
    assert outcomes(results) == [EntryOutcome.passed, EntryOutcome.not_run, EntryOutcome.not_run]
    assert "stopped" in results[-1].because


def test_every_result_is_reported_as_soon_as_it_is_there() -> None:
    told: list[int] = []
    run_entries(SCENARIOS, ended, lambda: False, lambda results: told.append(len(results)))
    assert told == [1, 2, 3]


def test_one_failure_fails_the_suite_whatever_else_there_is() -> None:
    verdict, because, code = overall(
        [ended("herd", EntryOutcome.failed), ended("flood", EntryOutcome.inconclusive)]
    )
    assert (verdict, code) == (EntryOutcome.failed, ExitCode.FAILED)
    assert "herd" in because
    assert "flood" not in because


@pytest.mark.parametrize("undecided", [EntryOutcome.inconclusive, EntryOutcome.not_run])
def test_without_a_failure_what_is_undecided_makes_the_suite_inconclusive(undecided: EntryOutcome) -> None:
    verdict, because, code = overall([ended("herd"), ended("flood", undecided)])
    assert (verdict, code) == (EntryOutcome.inconclusive, ExitCode.INCONCLUSIVE)
    assert "flood" in because


def test_expected_failures_and_skipped_tests_are_nothing_unexpected() -> None:
    results = [
        ended(TESTS, EntryOutcome.skipped),
        ended("herd"),
        ended("flood", EntryOutcome.expected_failure),
    ]
    verdict, because, code = overall(results)
    assert (verdict, code) == (EntryOutcome.passed, ExitCode.PASSED)
    assert because == "1 of 2 passed, 1 failed as declared"


def test_a_suite_that_skipped_everything_passed_nothing() -> None:
    assert overall([ended(TESTS, EntryOutcome.skipped)])[0] is EntryOutcome.inconclusive
