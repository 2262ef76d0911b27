"""What the checks on order and fairness say of histories in which one thing is wrong."""

from __future__ import annotations

from driver.checks.finding import Status
from tests.driver.judge.findings import found
from tests.driver.judge.histories import Past, small

# -- order_within_priority ------------------------------


def test_tasks_given_out_as_they_came_are_in_order() -> None:
    assert found("order_within_priority", small()).status is Status.passed


def test_a_task_overtaken_within_its_priority_is_shown_with_the_one_that_overtook_it() -> None:
    past = Past(1)
    past.begin()
    past.submit("first", 2)
    past.submit("second", 2.1)
    past.assign("second", "worker-1", 3)
    past.assign("first", "worker-1", 4)
    past.end(9)
    finding = found("order_within_priority", past)
    assert finding.status is Status.failed
    assert "first by second" in finding.because
    assert [line.where.split(":")[0] for line in finding.evidence] == ["coordinator.jsonl"] * 4


def test_an_urgent_task_may_overtake_another_priority() -> None:
    past = Past(1)
    past.begin()
    past.submit("slow-1", 2, "low")
    past.submit("slow-2", 2.05, "low")
    past.submit("urgent", 2.1, "high")
    for number, task in enumerate(("urgent", "slow-1", "slow-2")):
        past.assign(task, "worker-1", 3 + number)
    past.end(9)
    assert found("order_within_priority", past).status is Status.passed


def test_a_task_that_waits_again_after_a_lost_attempt_breaks_no_order() -> None:
    past = Past(1)
    past.begin()
    past.submit("first", 2)
    past.submit("second", 2.1)
    token = past.assign("first", "worker-1", 3)
    past.assign("second", "worker-1", 3.1)
    past.lose_attempt("first", "worker-1", token, 3.2)
    past.assign("first", "worker-1", 4, attempt=2)
    past.end(9)
    assert found("order_within_priority", past).status is Status.passed


def test_one_task_a_priority_says_nothing_about_order() -> None:
    past = Past(1)
    past.begin()
    past.run_task("only", "worker-1", 2)
    past.end(9)
    assert found("order_within_priority", past).status is Status.unknown


# -- no_starvation ------------------------------


def contention(low_after: int) -> Past:
    """Ten low tasks wait while `low_after` high ones are given out before the first of them."""
    past = Past(1)
    past.begin()
    for number in range(10):
        past.submit(f"low-{number}", 2, "low")
    for number in range(low_after):
        past.submit(f"high-{number}", 2, "high")
    for number in range(low_after):
        past.assign(f"high-{number}", "worker-1", 3 + number * 0.01)
    for number in range(10):
        past.assign(f"low-{number}", "worker-1", 20 + number)
    past.end(40)
    return past


def test_a_priority_that_is_passed_over_a_few_times_does_not_starve() -> None:
    finding = found("no_starvation", contention(low_after=40))
    assert finding.status is Status.passed
    assert finding.measured == 40


def test_a_priority_that_is_passed_over_without_end_starves() -> None:
    finding = found("no_starvation", contention(low_after=200))
    assert finding.status is Status.failed
    assert finding.measured == 200
    assert finding.margin == 124 - 200


def test_the_bound_of_starvation_is_the_scenarios_to_set() -> None:
    assert found("no_starvation", contention(low_after=40), picks=39).status is Status.failed


def test_a_task_that_waits_again_can_starve_again() -> None:
    past = Past(1)
    past.begin()
    past.submit("low", 2, "low")
    token = past.assign("low", "worker-1", 2.1)
    past.lose_attempt("low", "worker-1", token, 2.2)
    for number in range(130):
        past.run_task(f"high-{number}", "worker-1", 3 + number * 0.01, priority="high")
    past.end(40)
    assert found("no_starvation", past).status is Status.failed


def test_where_no_two_priorities_wait_at_once_it_is_unknown_whether_any_starves() -> None:
    assert found("no_starvation", small()).status is Status.unknown


def test_a_task_that_is_given_out_or_done_does_not_starve() -> None:
    past = Past(1)
    past.begin()
    past.run_task("low", "worker-1", 2, priority="low")
    for number in range(300):
        past.run_task(f"high-{number}", "worker-1", 3 + number * 0.01, priority="high")
    past.submit("low-2", 7, "low")
    past.submit("high-x", 7, "high")
    past.assign("high-x", "worker-1", 7.1)
    past.assign("low-2", "worker-1", 7.2)
    past.end(40)
    assert found("no_starvation", past).measured == 1
