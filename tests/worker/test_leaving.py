"""A worker that leaves: it drains, hands back what it does not finish, and says goodbye."""

from __future__ import annotations

from tests.worker.desk import Desk
from wire import events
from wire.errors import CloseCode
from wire.messages import (
    AttemptReport,
    AttemptResult,
    CheckpointSaved,
    DrainNotice,
    Goodbye,
    ReturnTask,
)
from wire.priority import Priority
from worker.effects import Disconnect, StopAttempt, StopWorker


def drain(desk: Desk) -> None:
    desk.do(desk.core.on_drain(desk.now_ns))


def test_an_idle_worker_says_goodbye_and_leaves_once_it_is_acknowledged() -> None:
    desk = Desk().up()
    drain(desk)
    assert not desk.stopped
    desk.exchange()
    assert [each.reason for each in desk.said(Goodbye)] == ["drained"]
    assert desk.last(StopWorker).exit_code == 0
    assert desk.last(Disconnect).code == 1000
    assert desk.journal(events.ConnectionLost)[-1]["kind"] == "stopped"


def test_a_connection_that_ends_after_the_goodbye_is_the_end() -> None:
    desk = Desk().up()
    drain(desk)
    list(desk.frames())
    desk.closed("closed", 1000)
    assert desk.stopped


def test_what_waits_is_handed_back_and_what_runs_may_finish() -> None:
    desk = Desk(slots=1, drain_timeout_ms=8_000).up()
    desk.assign(1)
    desk.assign(2)
    drain(desk)
    desk.exchange()
    assert [each.token for each in desk.said(ReturnTask)] == [2]
    desk.pass_ms(3_000)
    assert not desk.stopped
    desk.finish(1)
    desk.exchange()
    assert [each.token for each in desk.said(AttemptResult)] == [1]
    assert desk.stopped


def test_a_task_with_steps_saves_its_next_one_and_goes_back_checkpoint_first() -> None:
    desk = Desk(checkpoint_every_ms=60_000).up()
    desk.assign(1)
    desk.step(1, 1)
    drain(desk)
    desk.step(1, 2)
    desk.exchange()
    found = [message for message in desk.heard if isinstance(message, (CheckpointSaved, ReturnTask, Goodbye))]
    assert [type(message) for message in found] == [CheckpointSaved, ReturnTask, Goodbye]
    assert desk.said(CheckpointSaved)[0].checkpoint.step == 2
    assert desk.stopped


def test_what_does_not_end_in_time_is_stopped_and_handed_back() -> None:
    desk = Desk(drain_timeout_ms=8_000).up()
    desk.assign(1)
    began_ms = desk.now_ms
    drain(desk)
    desk.pass_ms(10_000)
    assert [each.token for each in desk.said(ReturnTask)] == [1]
    assert [effect.token for effect in desk.all(StopAttempt)] == [1]
    assert desk.stopped
    assert desk.now_ms - began_ms <= 10_000


def test_work_that_was_on_its_way_when_the_drain_began_is_handed_back_as_it_comes() -> None:
    desk = Desk().up()
    desk.assign(1)
    drain(desk)
    for token in (2, 3, 4):
        desk.assign(token, priority=Priority.background)
    assert desk.started == [1]
    assert [each.token for each in desk.said(ReturnTask)] == [2, 3, 4]
    assert not desk.stopped
    desk.finish(1)
    desk.exchange()
    assert desk.stopped


def test_a_drain_is_said_at_once_and_again_after_each_inventory() -> None:
    desk = Desk(drain_timeout_ms=8_000).up()
    desk.assign(1)
    assert desk.said(DrainNotice) == []
    drain(desk)
    desk.exchange()
    assert len(desk.said(DrainNotice)) == 1
    desk.pass_ms(3_000)
    assert len(desk.said(DrainNotice)) == 1
    desk.closed()
    desk.heard.clear()
    desk.come_back()
    desk.exchange()
    assert [type(message) for message in desk.heard][:2] == [AttemptReport, DrainNotice]


def test_a_worker_replaced_by_another_process_of_its_name_stops_its_work() -> None:
    desk = Desk(slots=1).up()
    desk.assign(1)
    desk.assign(2)
    desk.closed("closed", CloseCode.superseded)
    assert [effect.token for effect in desk.all(StopAttempt)] == [1]
    assert desk.core.held == 0
    assert desk.core.state == "waiting"


def test_disconnected_while_leaving_it_reconnects_to_send_its_results() -> None:
    desk = Desk(drain_timeout_ms=8_000).up()
    desk.assign(1)
    drain(desk)
    desk.closed()
    desk.finish(1)
    desk.come_back()
    assert desk.core.state == "draining"
    desk.exchange()
    assert [each.token for each in desk.said(AttemptResult)] == [1]
    assert desk.stopped


def test_a_worker_without_a_connection_leaves_at_the_drain_timeout() -> None:
    desk = Desk(drain_timeout_ms=3_000).up()
    desk.assign(1)
    desk.closed()
    drain(desk)
    desk.pass_ms(3_500, answered=False)
    assert desk.last(StopWorker).exit_code == 0
    assert "3000 ms" in desk.last(StopWorker).reason


def test_a_worker_that_holds_nothing_and_is_not_connected_leaves_at_once() -> None:
    desk = Desk()
    desk.start()
    desk.failed()
    drain(desk)
    assert desk.stopped


def test_a_second_request_to_leave_changes_nothing() -> None:
    desk = Desk().up()
    desk.assign(1)
    drain(desk)
    drain(desk)
    desk.finish(1)
    desk.exchange()
    assert len(desk.all(StopWorker)) == 1
