"""What the checks on tasks say of histories in which one thing is wrong."""

from __future__ import annotations

import msgspec

from driver.checks import CHECKS, run_check
from driver.checks.finding import Status
from driver.histories.history import Damage
from driver.metrics import measure
from driver.reference.load_events import LastState
from tests.driver.judge.findings import found
from tests.driver.judge.histories import Past, healthy_herd, small
from wire import events as wire
from wire import task_events
from wire.control import CoordinatorState, TaskCounts

# -- traffic_flowed ------------------------------


def test_traffic_before_and_after_the_first_fault_is_enough() -> None:
    assert found("traffic_flowed", healthy_herd()).status is Status.passed


def test_a_run_without_traffic_is_unknown_and_never_passed() -> None:
    past = Past(2)
    past.begin()
    past.end(20)
    assert found("traffic_flowed", past).status is Status.unknown


def test_traffic_that_only_came_after_the_first_fault_is_unknown() -> None:
    past = Past(2)
    past.begin()
    past.fault("early", "refuse", past.workers, 2, 1)
    past.flow(5, 15)
    past.end(20)
    finding = found("traffic_flowed", past)
    assert finding.status is Status.unknown
    assert "before the first fault" in finding.because


# -- nothing_lost ------------------------------


def test_every_task_with_a_result_means_nothing_lost() -> None:
    assert found("nothing_lost", small()).status is Status.passed


def test_a_task_without_result_after_the_drain_is_lost_and_shown() -> None:
    past = small()
    past.submit("gone", 3)
    past.assign("gone", "worker-1", 3.1)
    finding = found("nothing_lost", past)
    assert finding.status is Status.failed
    assert finding.measured == 1
    assert "gone" in finding.because
    assert "worker-1" in finding.because
    assert any("coordinator.jsonl:" in line.where and "task=gone" in line.text for line in finding.evidence)


def test_a_lost_task_that_waits_again_is_distinguished_from_one_that_a_worker_holds() -> None:
    past = small()
    past.submit("gone", 3)
    past.lose_attempt("gone", "worker-1", past.assign("gone", "worker-1", 3.1), 3.2)
    assert "still waiting" in found("nothing_lost", past).because


def drain_ran_out() -> Past:
    """A task that a worker has still when the drain is over; the teardown makes the worker hand it back."""
    past = small(drained=False)
    past.submit("slow", 3)
    token = past.assign("slow", "worker-1", 3.1)
    past.phase("drain", 7, 20, outcome="failed")
    past.phase("collect", 20.1, 22)
    past.lose_attempt("slow", "worker-1", token, 20.5, reason="handed back")
    past.emit("worker-1", task_events.Dropped, 20.5, task="slow", token=token, reason="handed back")
    for process in [*past.workers, "coordinator"]:
        past.emit(process, wire.ProcessStopping, 21.5, reason="SIGTERM")
    return past


def test_a_task_that_a_worker_has_when_the_drain_runs_out_is_lost_and_reported_as_running() -> None:
    finding = found("nothing_lost", drain_ran_out())
    assert finding.status is Status.failed
    assert "worker-1, which still had it at the drain's end" in finding.because
    assert not any("attempt_lost" in line.text for line in finding.evidence)


def test_what_the_teardown_takes_back_is_no_attempt_lost_or_dropped() -> None:
    values = measure(drain_ran_out().history()).values
    assert (values["attempts_lost"], values["attempts_dropped"]) == (0, 0)


def test_a_task_that_the_teardown_let_finish_is_not_lost_and_no_figure_of_the_run() -> None:
    past = drain_ran_out()
    before = measure(past.history()).values
    past.done("slow", "worker-1", past._token, 21)
    after = measure(past.history()).values
    assert found("nothing_lost", past).status is Status.passed
    assert (before["tasks_lost"], after["tasks_lost"]) == (1, 0)
    figures = ("tasks_completed", "task_latency_max_s", "task_throughput_per_s", "task_success_rate")
    assert [after[name] for name in figures] == [before[name] for name in figures]


def test_a_task_that_only_the_driver_was_promised_is_lost_too() -> None:
    past = small()
    past.submit("forgotten", 3)
    past.lines["coordinator"] = [
        e for e in past.lines["coordinator"] if getattr(e, "task", "") != "forgotten"
    ]
    finding = found("nothing_lost", past)
    assert finding.status is Status.failed
    assert "never recorded it" in finding.because


def test_a_task_without_result_in_a_run_that_was_not_drained_may_be_under_way() -> None:
    past = small(drained=False)
    past.submit("under-way", 7)
    assert found("nothing_lost", past).status is Status.unknown


def test_a_task_whose_result_may_be_on_a_damaged_line_is_not_called_lost() -> None:
    past = small()
    past.submit("torn", 3)
    history = past.history()
    history.damage.append(Damage("coordinator", "damaged", 1, "line 7"))
    finding = run_check(CHECKS["nothing_lost"], history, measure(history), {})
    assert finding.status is Status.unknown


def test_without_any_task_it_is_unknown_that_nothing_was_lost() -> None:
    past = Past(1)
    past.begin()
    past.end(5)
    assert found("nothing_lost", past).status is Status.unknown


# -- nothing_counted_twice ------------------------------


def test_one_result_a_task_is_not_counted_twice() -> None:
    assert found("nothing_counted_twice", small()).status is Status.passed


def test_two_results_of_one_task_are_counted_twice_even_with_one_token() -> None:
    past = small()
    past.submit("double", 7)
    token = past.assign("double", "worker-1", 7.1)
    past.done("double", "worker-1", token, 7.2)
    past.done("double", "worker-1", token, 7.3)
    finding = found("nothing_counted_twice", past)
    assert finding.status is Status.failed
    assert len(finding.evidence) == 2


def test_a_result_recorded_twice_in_one_process_after_a_restart_counts_twice() -> None:
    past = small(drained=False)
    past.submit("again", 7)
    token = past.assign("again", "worker-1", 7.1)
    past.done("again", "worker-1", token, 7.2)
    past.start("coordinator", 8.0, role="coordinator")
    past.done("again", "worker-1", token, 8.1)
    past.done("again", "worker-1", token, 8.2)
    past.end(20)
    assert found("nothing_counted_twice", past).status is Status.failed


def test_a_result_of_a_task_that_was_not_assigned_is_no_result() -> None:
    past = small(drained=False)
    past.submit("never-given", 7)
    past.done("never-given", "worker-1", 10**6, 7.2)
    past.end(20)
    finding = found("no_zombie_effects", past)
    assert finding.status is Status.failed
    assert "never assigned" in finding.because


def test_the_same_result_recorded_again_after_a_restart_of_the_coordinator_counts_once() -> None:
    past = small()
    past.submit("again", 7)
    token = past.assign("again", "worker-1", 7.1)
    past.done("again", "worker-1", token, 7.2)
    past.start("coordinator", 8, role="coordinator")
    past.done("again", "worker-1", token, 8.1)
    assert found("nothing_counted_twice", past).status is Status.passed


def test_another_attempts_result_after_a_restart_counts_twice() -> None:
    past = small()
    past.submit("again", 7)
    past.done("again", "worker-1", past.assign("again", "worker-1", 7.1), 7.2)
    past.start("coordinator", 8, role="coordinator")
    past.done("again", "worker-2", past.assign("again", "worker-2", 8.1), 8.2)
    assert found("nothing_counted_twice", past).status is Status.failed


def test_a_result_of_a_task_that_was_not_submitted_is_a_failure() -> None:
    past = small()
    past.done("invented", "worker-1", 99, 7)
    finding = found("nothing_counted_twice", past)
    assert finding.status is Status.failed
    assert "not submitted" in finding.because


def test_no_result_at_all_leaves_it_unknown_whether_any_was_counted_twice() -> None:
    past = Past(1)
    past.begin()
    past.end(5)
    assert found("nothing_counted_twice", past).status is Status.unknown


# -- books_balance ------------------------------


def test_books_that_add_up_balance() -> None:
    past = small()
    past.totals(4)
    assert found("books_balance", past).status is Status.passed


def test_a_book_that_misses_a_task_does_not_balance() -> None:
    past = small()
    past.totals(4.03, waiting=3)
    finding = found("books_balance", past)
    assert finding.status is Status.failed
    assert finding.measured == -2
    assert "totals" in finding.evidence[0].text


def test_a_sum_that_shrinks_fails_even_where_each_book_balances() -> None:
    past = small()
    past.totals(4)
    past.totals(5, submitted=1, completed=1, failed=0, waiting=0, assigned=0)
    finding = found("books_balance", past)
    assert finding.status is Status.failed
    assert "shrunk" in finding.because


def test_a_last_book_with_more_results_than_lines_fails() -> None:
    past = small()
    past.totals(19.9, submitted=41, completed=41, waiting=0)
    finding = found("books_balance", past)
    assert finding.status is Status.failed
    assert finding.measured == 1


def test_a_last_answer_of_the_coordinator_that_does_not_balance_fails() -> None:
    past = small()
    counts = TaskCounts(submitted=40, completed=39, failed=0, waiting=0, assigned=0)
    state = CoordinatorState(
        epoch=1, now_ns=0, draining=False, counts=counts, waiting_by_priority={}, workers=[], counters={}
    )
    past.emit("driver", LastState, 19.9, state=msgspec.Raw(msgspec.json.encode(state)))
    assert found("books_balance", past).status is Status.failed


def test_without_totals_it_is_unknown_whether_books_balance() -> None:
    past = small()
    past.forget("coordinator", task_events.Totals)
    assert found("books_balance", past).status is Status.unknown


# -- no_zombie_effects ------------------------------


def test_results_of_the_newest_attempt_are_no_zombies() -> None:
    assert found("no_zombie_effects", small()).status is Status.passed


def test_a_result_of_an_attempt_that_was_given_to_another_worker_since_is_a_zombie() -> None:
    past = small()
    past.submit("z", 7)
    old = past.assign("z", "worker-1", 7.1)
    past.lose_attempt("z", "worker-1", old, 7.2)
    past.assign("z", "worker-2", 7.3, attempt=2)
    past.done("z", "worker-1", old, 7.4)
    finding = found("no_zombie_effects", past)
    assert finding.status is Status.failed
    assert [line.text.split()[1] for line in finding.evidence] == ["assigned", "task_done"]


def test_a_checkpoint_of_a_stale_attempt_that_is_kept_is_a_zombie() -> None:
    past = small()
    past.submit("z", 7)
    old = past.assign("z", "worker-1", 7.1)
    new = past.assign("z", "worker-2", 7.3, attempt=2)
    past.emit(
        "coordinator",
        task_events.CheckpointCommitted,
        7.4,
        task="z",
        token=old,
        worker="worker-1",
        step=3,
        size_bytes=9,
    )
    past.done("z", "worker-2", new, 7.5)
    assert found("no_zombie_effects", past).status is Status.failed


def test_without_effects_it_is_unknown_whether_zombies_had_any() -> None:
    past = Past(1)
    past.begin()
    past.end(5)
    assert found("no_zombie_effects", past).status is Status.unknown
