"""How findings become a verdict."""

from __future__ import annotations

from driver.checks.finding import Finding, failed, passed, unknown
from driver.exit_codes import ExitCode
from driver.judging.verdict import KnownFailure, RunOutcome, judge

TRIED = [passed("traffic_flowed", "enough"), passed("faults_were_proved", "all")]
LOST = failed("nothing_lost", "one task is lost")
HAZY = unknown("agreement_on_connected", "one side is silent")
KNOWN = KnownFailure("nothing_lost", "a defect that is being worked on")


def outcome(*findings: Finding, known: KnownFailure | None = None) -> RunOutcome:
    return judge([*TRIED, *findings], [known] if known else []).verdict


def test_when_all_findings_pass_the_run_passes() -> None:
    verdict = judge(TRIED)
    assert verdict.verdict is RunOutcome.passed
    assert verdict.exit_code is ExitCode.PASSED


def test_a_failed_finding_fails_the_run_whatever_else_is_unknown() -> None:
    assert outcome(LOST, HAZY) is RunOutcome.failed
    assert judge([*TRIED, LOST]).exit_code is ExitCode.FAILED


def test_an_unknown_finding_makes_the_run_inconclusive() -> None:
    assert outcome(HAZY) is RunOutcome.inconclusive
    assert judge([*TRIED, HAZY]).exit_code is ExitCode.INCONCLUSIVE


def test_nothing_judged_is_inconclusive() -> None:
    assert judge([]).verdict is RunOutcome.inconclusive


def test_a_run_of_which_nothing_shows_that_it_tried_anything_is_inconclusive() -> None:
    assert judge([passed("nothing_lost", "none")]).verdict is RunOutcome.inconclusive


def test_a_declared_failure_is_an_expected_one_with_its_reason() -> None:
    verdict = judge([*TRIED, LOST], [KNOWN])
    assert verdict.verdict is RunOutcome.expected_failure
    assert verdict.exit_code is ExitCode.PASSED
    assert "being worked on" in verdict.because


def test_a_declared_failure_hides_no_other() -> None:
    other = failed("books_balance", "one task is missing")
    assert outcome(LOST, other, known=KNOWN) is RunOutcome.failed


def test_a_declared_failure_beside_an_unknown_is_inconclusive() -> None:
    assert outcome(LOST, HAZY, known=KNOWN) is RunOutcome.inconclusive


def test_a_declared_failure_that_passes_after_all_is_reported() -> None:
    verdict = judge([*TRIED, passed("nothing_lost", "none")], [KNOWN])
    assert verdict.verdict is RunOutcome.passed
    assert "passed: remove it" in verdict.notes[0]


def test_a_known_issue_that_names_nothing_that_was_judged_is_reported() -> None:
    assert "names no finding" in judge(TRIED, [KnownFailure("nothing_lst", "a typo")]).notes[0]


def test_the_reason_names_the_first_finding_and_the_others() -> None:
    because = judge([*TRIED, LOST, failed("books_balance", "off")]).because
    assert "one task is lost" in because
    assert "books_balance" in because
