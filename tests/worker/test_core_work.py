"""Claims about assigned work: once, within its lease, reported until acknowledged, checkpointed."""

from __future__ import annotations

import pytest

from tests.worker.desk import MS, Desk
from wire import task_events
from wire.messages import (
    AttemptReport,
    AttemptResult,
    CheckpointSaved,
    LeasesRenewed,
    ReturnTask,
    Revoke,
)
from wire.priority import Priority
from worker.checkpoints import checkpoint_of
from worker.effects import ForgetCheckpoint, SaveCheckpoint, StartAttempt, StopAttempt


def held(desk: Desk) -> list[int]:
    return sorted(each.token for each in desk.said(AttemptReport)[-1].held)


# -- once --------------------------------------------------


def test_slots_bound_what_runs_and_the_next_starts_when_one_ends() -> None:
    desk = Desk(slots=2).up()
    for token in (1, 2, 3, 4):
        desk.assign(token)
    assert desk.started == [1, 2]
    desk.finish(2)
    assert desk.started == [1, 2, 3]


def test_the_same_assignment_twice_is_one_attempt() -> None:
    desk = Desk(slots=4).up()
    desk.assign(1)
    desk.assign(1)
    assert desk.started == [1]
    assert len(desk.journal(task_events.AssignmentReceived)) == 1


def test_an_urgent_task_starts_before_those_that_wait() -> None:
    desk = Desk(slots=1).up()
    desk.assign(1)
    desk.assign(2, priority=Priority.low)
    desk.assign(3, priority=Priority.critical)
    desk.finish(1)
    desk.finish(3)
    assert desk.started == [1, 3, 2]


def test_a_newer_attempt_of_a_task_replaces_the_older_one() -> None:
    desk = Desk(slots=4).up()
    desk.assign(1, "task")
    desk.assign(5, "task")
    assert desk.started == [1, 5]
    assert [effect.token for effect in desk.all(StopAttempt)] == [1]
    assert desk.journal(task_events.Dropped)[0]["token"] == 1


def test_an_older_attempt_that_comes_late_is_not_begun() -> None:
    desk = Desk(slots=4).up()
    desk.assign(5, "task")
    desk.assign(1, "task")
    assert desk.started == [5]


def test_a_finished_task_frees_its_place_for_good() -> None:
    """Regression no. 9: finished tasks that were never removed blocked the worker."""
    desk = Desk(slots=1, prefetch=0).up()
    for token in range(1, 500):
        desk.assign(token)
        desk.finish(token)
        desk.exchange()
    assert len(desk.said(AttemptResult)) == 499
    assert desk.core.held == 0


def test_a_result_is_sent_once_and_only_when_the_attempt_ended() -> None:
    """Regression no. 10: "running" was sent as the result, and the real one followed."""
    desk = Desk().up()
    desk.assign(1)
    desk.exchange()
    assert desk.said(AttemptResult) == []
    desk.finish(1, b"42")
    desk.finish(1, b"43")
    desk.exchange()
    assert [result.output for result in desk.said(AttemptResult)] == [b"42"]


def test_a_result_is_held_until_it_is_acknowledged() -> None:
    desk = Desk().up()
    desk.assign(1)
    desk.finish(1)
    assert desk.core.held == 1
    desk.closed()
    desk.come_back()
    inventory = next(desk.frames()).envelopes[0].message
    assert isinstance(inventory, AttemptReport)
    assert [each.token for each in inventory.held] == [1]


def test_results_go_out_by_priority_and_in_order_within_it_even_across_a_loss() -> None:
    """Regression no. 11: while disconnected everything was promoted and moved to the tail."""
    desk = Desk(slots=20).up()
    priorities = [Priority.low, Priority.high, Priority.low, Priority.high, Priority.low]
    for token, priority in enumerate(priorities, start=1):
        desk.assign(token, priority=priority)
    desk.closed()
    for token in range(1, 6):
        desk.finish(token)
    desk.come_back()
    desk.exchange()
    order = [result.token for result in desk.said(AttemptResult)]
    assert [token for token in order if token in (2, 4)] == [2, 4]
    assert [token for token in order if token in (1, 3, 5)] == [1, 3, 5]
    assert order.index(2) == 0


def test_more_than_it_can_hold_is_handed_back() -> None:
    desk = Desk(slots=1).up()
    for token in range(1, 1_030):
        desk.assign(token)
    assert [each.token for each in desk.said(ReturnTask)] == [1_025, 1_026, 1_027, 1_028, 1_029]


# -- leases ------------------------------------------------


def test_leases_are_renewed_by_heartbeats_for_as_long_as_it_takes() -> None:
    desk = Desk().up()
    desk.assign(1)
    desk.pass_ms(120_000)
    assert desk.journal(task_events.LeaseExpired) == []
    desk.finish(1)
    desk.exchange()
    assert len(desk.said(AttemptResult)) == 1


def test_cut_off_it_works_on_until_the_lease_ends_and_then_stops_by_itself() -> None:
    desk = Desk().up()
    desk.assign(1)
    began_ms = desk.now_ms
    desk.closed()
    while not desk.journal(task_events.LeaseExpired):
        desk.until_state("connecting")
        desk.failed()
        desk.pass_ms(100)
    assert desk.now_ms - began_ms == pytest.approx(10_000, abs=200)
    assert [effect.token for effect in desk.all(StopAttempt)] == [1]
    desk.finish(1)
    desk.come_back()
    desk.exchange()
    assert desk.said(AttemptResult) == []
    assert [each.reason for each in desk.said(ReturnTask)] == ["lease ran out"]
    assert held(desk) == []


def test_a_result_from_before_the_end_of_the_lease_is_still_sent() -> None:
    desk = Desk().up()
    desk.assign(1)
    desk.closed()
    desk.finish(1)
    for _ in range(30):
        desk.until_state("connecting")
        desk.failed()
        desk.pass_ms(1_000)
    desk.come_back()
    desk.exchange()
    assert held(desk) == [1]
    assert [result.token for result in desk.said(AttemptResult)] == [1]
    assert desk.said(ReturnTask) == []


def test_a_paused_worker_with_an_expired_lease_sends_no_result() -> None:
    desk = Desk().up()
    desk.assign(1)
    desk.now_ms += 15_000
    desk.finish(1)
    assert len(desk.journal(task_events.LeaseExpired)) == 1
    desk.exchange()
    assert desk.said(AttemptResult) == []


def test_a_lease_begins_when_the_coordinator_may_have_given_it_not_when_it_came() -> None:
    desk = Desk().up()
    assign = desk.assign(1)
    assert assign.lease_ms == 10_000
    desk.pass_ms(1_500)
    desk.assign(2)
    desk.pass_ms(9_000, answered=False)
    assert [each["token"] for each in desk.journal(task_events.LeaseExpired)] == [1, 2]


def test_answered_heartbeats_leave_a_late_assignment_most_of_its_lease() -> None:
    desk = Desk().up()
    desk.pass_ms(60_000)
    desk.assign(1)
    assert desk.core.live_tasks(desk.now_ns + 7_900 * MS) == ["t1"]


def test_a_renewal_counts_from_the_heartbeat_that_it_answers() -> None:
    desk = Desk().up()
    desk.assign(1)
    desk.now_ms += 3_000
    desk.exchange(LeasesRenewed(desk.now_ns - 3_000 * MS, 12_000, [1]))
    assert desk.core.live_tasks(desk.now_ns + 8_999 * MS) == ["t1"]
    assert desk.core.live_tasks(desk.now_ns + 9_000 * MS) == []


def test_an_assignment_that_lay_in_a_buffer_for_longer_than_its_lease_is_not_begun() -> None:
    desk = Desk().up()
    desk.now_ms += 15_000
    desk.assign(1)
    assert desk.started == []
    assert [each.reason for each in desk.said(ReturnTask)] == ["lease ran out"]


def test_a_slot_is_free_again_when_a_lease_ran_out() -> None:
    desk = Desk(slots=1).up()
    desk.assign(1)
    desk.assign(2, lease_ms=60_000)
    desk.pass_ms(11_000, answered=False)
    assert desk.started == [1, 2]


# -- stopping ----------------------------------------------


def test_a_revoked_attempt_is_stopped_and_silent() -> None:
    desk = Desk().up()
    desk.assign(1)
    desk.say(Revoke("t1", 1, "newer attempt"))
    desk.finish(1)
    desk.exchange()
    assert [effect.token for effect in desk.all(StopAttempt)] == [1]
    assert desk.said(AttemptResult) == []
    assert "newer attempt" in desk.journal(task_events.Dropped)[0]["reason"]


def test_a_revoked_attempt_that_waits_for_a_slot_never_starts() -> None:
    desk = Desk(slots=1).up()
    desk.assign(1)
    desk.assign(2)
    desk.say(Revoke("t2", 2, "x"))
    desk.finish(1)
    assert desk.started == [1]


def test_an_attempt_that_runs_too_long_is_stopped_and_fails() -> None:
    desk = Desk().up()
    desk.assign(1, timeout_ms=5_000)
    desk.pass_ms(5_001)
    assert [effect.token for effect in desk.all(StopAttempt)] == [1]
    assert "limit of 5000 ms" in desk.said(AttemptResult)[0].error


def test_a_time_limit_of_zero_is_none() -> None:
    desk = Desk().up()
    desk.assign(1, timeout_ms=0)
    desk.pass_ms(600_000)
    assert desk.all(StopAttempt) == []


# -- checkpoints -------------------------------------------


def test_a_checkpoint_is_made_as_often_as_the_settings_say() -> None:
    desk = Desk(checkpoint_every_ms=1_000).up()
    desk.assign(1)
    for number in range(1, 41):
        desk.pass_ms(100)
        desk.step(1, number)
        desk.exchange()
    assert [each["step"] for each in desk.journal(task_events.CheckpointCreated)] == [10, 20, 30, 40]
    assert [each.checkpoint.step for each in desk.said(CheckpointSaved)] == [10, 20, 30, 40]


def test_while_cut_off_checkpoints_do_not_pile_up_and_the_newest_is_the_one_that_goes_out() -> None:
    desk = Desk(checkpoint_every_ms=0).up()
    desk.assign(1)
    desk.closed()
    for number in range(1, 51):
        desk.step(1, number)
    assert desk.core.channel.depth == 1
    desk.come_back()
    desk.exchange()
    assert [each.checkpoint.step for each in desk.said(CheckpointSaved)] == [1, 50]


def test_a_checkpoint_that_was_dropped_for_another_one_goes_out_with_the_next() -> None:
    desk = Desk(checkpoint_every_ms=0, waiting_messages=1, slots=2).up()
    desk.assign(1, priority=Priority.background)
    desk.assign(2, priority=Priority.background)
    desk.closed()
    desk.step(1, 1)
    desk.step(2, 1)
    desk.come_back()
    desk.exchange()
    desk.step(1, 2)
    desk.exchange()
    assert [(each.token, each.checkpoint.step) for each in desk.said(CheckpointSaved)] == [(2, 1), (1, 2)]


def test_the_last_step_makes_no_checkpoint() -> None:
    desk = Desk(checkpoint_every_ms=0).up()
    desk.assign(1)
    desk.step(1, 1, last=True)
    assert desk.all(SaveCheckpoint) == []


def test_an_attempt_goes_on_from_the_checkpoint_that_it_was_given() -> None:
    desk = Desk().up()
    given = checkpoint_of(7, b"seven")
    desk.assign(1, checkpoint=given)
    assert desk.last(StartAttempt).checkpoint == given
    assert desk.journal(task_events.Started)[0]["from_step"] == 7


def test_a_newer_checkpoint_on_its_own_disk_goes_before_the_one_that_it_was_given() -> None:
    desk = Desk().up()
    desk.kept["t1"] = checkpoint_of(9, b"nine")
    desk.assign(1, checkpoint=checkpoint_of(7, b"seven"))
    desk.assign(2, checkpoint=checkpoint_of(7, b"seven"))
    assert [effect.checkpoint.step for effect in desk.all(StartAttempt) if effect.checkpoint] == [9, 7]


def test_steps_that_an_older_attempt_had_done_are_counted_as_redone() -> None:
    desk = Desk(checkpoint_every_ms=10**9).up()
    desk.assign(1, checkpoint=checkpoint_of(4, b"four"), reached_step=7)
    for number in range(5, 11):
        desk.step(1, number, last=number == 10)
    desk.finish(1)
    desk.exchange()
    assert desk.said(AttemptResult)[0].redone_steps == 3


def test_a_finished_tasks_checkpoint_is_removed() -> None:
    desk = Desk(checkpoint_every_ms=0).up()
    desk.assign(1)
    desk.now_ms += 1
    desk.step(1, 1)
    desk.finish(1)
    assert [effect.task_id for effect in desk.all(ForgetCheckpoint)] == ["t1"]
