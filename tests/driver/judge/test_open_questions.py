"""Whether load after the last fault may still decide what is judged, as checks and metrics say themselves."""

from __future__ import annotations

import pytest

from driver.judging.expectations import questions
from driver.judging.open_questions import open_questions
from driver.scenarios.thresholds import parse_expectations
from tests.driver.judge.histories import Past

EXPECT = (
    "task_success_rate >= 90%",
    "time_to_all_back <= 10s",
    "within 10s of heal: connected >= 95% for 2s",
    "converged_after_healing",
)
HEALED_S = 15.0


def cut_once(until_s: float, back_s: float = 1.0, measured_s: float = HEALED_S + 2) -> Past:
    """One round of cut links, seen until `until_s` while the load goes on; its tasks have their results."""
    past = Past(3)
    past.begin(measured_s=measured_s)
    past.flow(2, 9.5)
    past.cut("herd-1", 10.0, HEALED_S - 10.0, back_s=back_s)
    past.flow(HEALED_S, until_s)
    past.machine(until_s)
    for lines in past.lines.values():
        lines[:] = [one for one in lines if one.at_ns <= past.lines["driver"][-1].at_ns]
    return past


def open_in(past: Past, *expect: str, planned: int = 1) -> list[str]:
    asked = questions(parse_expectations(expect), planned)
    return open_questions(past.history(), past.workers, asked)


def test_once_all_are_back_and_every_task_is_done_nothing_is_open() -> None:
    assert open_in(cut_once(HEALED_S + 4), *EXPECT) == []


def test_before_the_time_is_over_for_which_it_must_hold_a_threshold_is_open() -> None:
    assert open_in(cut_once(HEALED_S + 2.5), *EXPECT) == ["within 10s of heal: connected >= 95% for 2s"]


def test_until_all_are_back_all_that_waits_for_them_is_open() -> None:
    found = open_in(cut_once(HEALED_S + 4, back_s=20.0), *EXPECT)
    assert set(found) == {"workers_were_cut_off", *EXPECT[1:]}


def test_a_threshold_whose_time_is_over_is_decided_though_it_was_missed() -> None:
    past = cut_once(HEALED_S + 13, back_s=20.0)
    assert EXPECT[2] not in open_in(past, EXPECT[2])


def test_a_fault_without_proof_is_open() -> None:
    assert open_in(cut_once(HEALED_S + 4), planned=2) == ["faults_were_proved"]


def test_a_measured_task_without_a_result_leaves_its_metrics_open_and_a_later_one_does_not() -> None:
    past = cut_once(HEALED_S + 4)
    past.submit("later", HEALED_S + 3.5)
    assert open_in(past, "task_success_rate >= 90%", "task_latency_p99 <= 1s") == []
    past.submit("measured", HEALED_S + 1.5)
    assert len(open_in(past, "task_success_rate >= 90%", "task_latency_p99 <= 1s")) == 2


@pytest.mark.parametrize(
    "text", ["message_size_mean >= 1B", "reconnections == 0", "no_metastable_state", "tasks_refused == 0"]
)
def test_what_says_nothing_of_its_own_waits_for_the_planned_end(text: str) -> None:
    assert open_in(cut_once(HEALED_S + 4), text) == [text]
