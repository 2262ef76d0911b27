"""Whether a run is as expected: thresholds and anchored expectations against histories made by hand."""

from __future__ import annotations

from driver.checks.finding import Finding, Status
from driver.judging.expectations import against_signal, against_threshold, all_findings
from driver.metrics import measure
from driver.scenarios.thresholds import AnchoredThreshold, Threshold, parse_expectation, parse_expectations
from tests.driver.judge.histories import Past, healthy_herd, small


def judged(text: str, past: Past) -> Finding:
    history = past.history()
    expected = parse_expectation(text)
    if isinstance(expected, AnchoredThreshold):
        return against_signal(history, expected)
    assert isinstance(expected, Threshold)
    return against_threshold(history, measure(history), expected)


def test_a_metric_on_the_good_side_passes_with_its_margin() -> None:
    finding = judged("reconnection_time_max <= 20s", healthy_herd())
    assert finding.status is Status.passed
    assert finding.measured == 6.0
    assert finding.margin == 14.0


def test_a_metric_on_the_bad_side_fails_with_its_margin() -> None:
    finding = judged("reconnection_time_max <= 5s", healthy_herd())
    assert finding.status is Status.failed
    assert finding.margin == -1.0


def test_a_metric_without_a_value_is_unknown() -> None:
    finding = judged("reconnection_time_max <= 5s", small())
    assert finding.status is Status.unknown
    assert "determines no value" in finding.because


def test_a_lower_bound_is_missed_from_below() -> None:
    assert judged("reconnections >= 7", healthy_herd(workers=3, rounds=2)).margin == -1


def test_a_signal_that_is_good_again_in_time_after_every_heal_passes() -> None:
    finding = judged("within 2s of heal: connected >= 95% for 10s", healthy_herd())
    assert finding.status is Status.passed
    assert finding.measured == 1.0


def test_the_slowest_of_several_heals_is_what_was_measured() -> None:
    past = Past(1)
    past.begin()
    past.cut("one", 10, 2, back_s=2)
    past.cut("two", 30, 2, back_s=0.5)
    past.end(60)
    finding = judged("within 5s of heal: connected >= 95% for 5s", past)
    assert finding.measured == 2.0
    assert finding.margin == 3.0


def test_an_expectation_can_count_from_the_end_of_the_gate() -> None:
    assert judged("within 1s of start: connected >= 100% for 5s", small()).status is Status.passed


def test_a_signal_that_comes_back_too_late_fails_and_says_at_which_heal() -> None:
    finding = judged("within 500ms of heal: connected >= 95% for 10s", healthy_herd())
    assert finding.status is Status.failed
    assert "heal 1 of 2 (at 17.0 s)" in finding.because


def test_a_signal_that_does_not_last_fails() -> None:
    past = healthy_herd(rounds=1)
    for worker in past.workers:
        past.lose(worker, 20)
        past.connect(worker, 27.0, outcome="resumed")
    assert judged("within 2s of heal: connected >= 95% for 2s", past).status is Status.passed
    assert judged("within 2s of heal: connected >= 95% for 10s", past).status is Status.failed


def test_a_heal_that_the_next_fault_follows_too_soon_is_left_out_and_reported() -> None:
    past = Past(1)
    past.begin()
    past.flow(2, 9)
    past.cut("one", 10, 2, back_s=0.5)
    past.cut("two", 14, 2, back_s=0.5)
    past.end(60)
    finding = judged("within 1s of heal: connected >= 95% for 10s", past)
    assert finding.status is Status.passed
    assert "1 of 2 were followed" in finding.because


def test_a_last_heal_that_the_end_follows_too_soon_is_unknown() -> None:
    past = healthy_herd(rounds=1)
    assert judged("within 1s of heal: connected >= 95% for 300s", past).status is Status.unknown


def test_without_its_anchor_an_expectation_is_unknown() -> None:
    assert judged("within 1s of heal: connected >= 95%", small()).status is Status.unknown


def test_a_fault_can_be_expected_to_be_felt() -> None:
    assert judged("within 1s of fault: connected <= 0%", healthy_herd()).status is Status.passed
    assert judged("within 1s of fault: connected <= 0%", lightly_hurt()).status is Status.failed


def lightly_hurt() -> Past:
    past = Past(3)
    past.begin()
    past.cut("one", 10, 5, ["worker-1"])
    past.end(40)
    return past


def test_attempts_and_waiting_tasks_are_signals_too() -> None:
    assert judged("within 5s of heal: attempts_per_s <= 0 for 5s", healthy_herd()).status is Status.passed
    assert judged("within 5s of heal: waiting_tasks <= 0", lightly_hurt()).status is Status.failed


def test_every_run_is_judged_by_what_is_always_judged_and_each_check_once() -> None:
    history = healthy_herd().history()
    findings = all_findings(
        history, measure(history), parse_expectations(["nothing_lost", "no_starvation"]), 2
    )
    names = [finding.check for finding in findings]
    assert len(names) == len(set(names))
    assert {"traffic_flowed", "faults_were_proved", "nothing_lost", "no_starvation"} <= set(names)


def test_planned_faults_that_never_came_are_found() -> None:
    history = healthy_herd(rounds=2).history()
    findings = {finding.check: finding for finding in all_findings(history, measure(history), [], 3)}
    assert findings["faults_were_proved"].status is Status.unknown


def test_a_scenario_cannot_set_how_many_faults_were_planned() -> None:
    past = small()
    history = past.history()
    expected = parse_expectations([{"faults_were_proved": {"planned": 0}}])
    findings = {one.check: one for one in all_findings(history, measure(history), expected, 3)}
    assert findings["faults_were_proved"].status is Status.unknown
