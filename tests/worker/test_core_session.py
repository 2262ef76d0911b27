"""Claims about a worker's session: connecting, losing, resuming, giving up. No socket, no clock."""

from __future__ import annotations

import pytest

from tests.worker.desk import MS, Desk
from wire import events, task_events
from wire.errors import CloseCode, FrameError, FrameFault, RefusalReason
from wire.handshake import Refusal
from wire.messages import (
    AttemptReport,
    AttemptResult,
    Envelope,
    Frame,
    GoAway,
    Goodbye,
    Heartbeat,
    LeasesRenewed,
)
from worker.effects import Connect, Disconnect, StopWorker


def test_it_dials_at_once_and_asks_for_no_session_that_it_never_had() -> None:
    connect = Desk().start()
    assert connect.attempt == 1
    assert connect.hello.resume is None


def test_the_first_message_on_each_connection_is_the_inventory() -> None:
    desk = Desk()
    for outcome in ("fresh", "resumed", "reset"):
        if outcome == "fresh":
            desk.start()
            desk.connected()
        else:
            desk.come_back(outcome)
        first = next(desk.frames())
        assert isinstance(first.envelopes[0].message, AttemptReport)
        assert isinstance(first.envelopes[1].message, Heartbeat)
        desk.closed()


def test_after_a_loss_it_resumes_the_session_with_what_it_received() -> None:
    desk = Desk().up()
    desk.assign(1)
    desk.assign(2)
    desk.closed()
    desk.until_state("connecting")
    resume = desk.last(Connect).hello.resume
    assert resume is not None
    assert (resume.session, resume.epoch, resume.received) == ("s1", 1, 2)


def test_attempts_are_numbered_from_one_after_each_loss_and_every_one_is_journaled() -> None:
    desk = Desk().up()
    desk.closed()
    for _ in range(3):
        desk.until_state("connecting")
        desk.failed()
    assert [each["attempt"] for each in desk.journal(events.Connecting)] == [1, 1, 2, 3]
    assert [each["attempt"] for each in desk.journal(events.ConnectFailed)] == [1, 2, 3]
    assert [each["attempt"] for each in desk.journal(events.BackoffStarted)] == [1, 2, 3, 4]


def test_it_never_stops_trying() -> None:
    desk = Desk()
    desk.start()
    for _ in range(5_000):
        desk.failed()
        desk.until_state("connecting")
    desk.connected()
    assert desk.core.state == "connected"


def test_every_process_and_every_hello_has_a_nonce_of_its_own() -> None:
    desk = Desk()
    desk.start()
    for _ in range(20):
        desk.failed()
        desk.until_state("connecting")
    assert len({connect.hello.nonce for connect in desk.all(Connect)}) == 21


def test_a_dialling_that_hangs_is_given_up_in_time() -> None:
    desk = Desk(connect_timeout_ms=700)
    desk.start()
    desk.pass_ms(701)
    assert desk.journal(events.ConnectFailed)[0]["kind"] == "timeout"
    assert desk.all(Disconnect)[0].connection == 1


def test_a_welcome_that_comes_after_it_was_given_up_is_closed_and_changes_nothing() -> None:
    desk = Desk(connect_timeout_ms=700)
    desk.start()
    desk.pass_ms(701)
    desk.until_state("connecting")
    desk.connected(number=1)
    assert desk.core.state == "connecting"
    assert desk.last(Disconnect).connection == 1
    assert desk.journal(events.Connected) == []


def test_the_late_end_of_an_older_connection_changes_nothing() -> None:
    """Regression no. 7, this side of it."""
    desk = Desk().up()
    older = desk.core.connection
    desk.closed()
    desk.come_back()
    losses = len(desk.journal(events.ConnectionLost))
    assert desk.core.on_closed(desk.now_ns, older, "reset", "late") == []
    late = Frame(0, 512, [Envelope(1, GoAway(60_000, "late"))])
    assert desk.core.on_frame(desk.now_ns, older, late) == []
    assert desk.core.channel.received == 0
    assert desk.core.state == "connected"
    assert len(desk.journal(events.ConnectionLost)) == losses


def test_unacknowledged_results_are_sent_again_after_a_resume_in_order_and_once() -> None:
    """Regression no. 9."""
    desk = Desk(slots=8).up()
    for token in (1, 2, 3):
        desk.assign(token)
    for token in (3, 1, 2):
        desk.finish(token)
    lost_on_the_way = list(desk.frames())
    assert sum(len(frame.envelopes) for frame in lost_on_the_way) == 3
    desk.closed()
    desk.come_back()
    desk.exchange()
    assert [result.token for result in desk.said(AttemptResult)] == [3, 1, 2]
    assert [each["token"] for each in desk.journal(task_events.ResultAcknowledged)] == [3, 1, 2]
    assert desk.core.held == 0
    assert desk.journal(events.Connected)[1]["replayed"] == 3


def test_what_the_coordinator_has_already_is_not_sent_again() -> None:
    desk = Desk(slots=8).up()
    desk.assign(1)
    desk.assign(2)
    desk.finish(1)
    desk.finish(2)
    for frame in desk.frames():
        desk.channel.receive(frame)
        desk.channel.commit(desk.channel.received)
    desk.closed()
    desk.come_back()
    assert [each["token"] for each in desk.journal(task_events.ResultAcknowledged)] == [1, 2]
    assert desk.journal(events.Connected)[1]["replayed"] == 0
    desk.exchange()
    assert desk.said(AttemptResult) == []


def test_after_a_reset_unacknowledged_results_go_out_in_the_new_session() -> None:
    desk = Desk(slots=8).up()
    for token in (1, 2):
        desk.assign(token)
        desk.finish(token)
    list(desk.frames())
    desk.closed()
    desk.come_back("reset")
    desk.exchange()
    assert [result.token for result in desk.said(AttemptResult)] == [1, 2]
    assert desk.core.held == 0


def test_frames_of_a_restarted_coordinator_are_numbered_from_one_and_accepted() -> None:
    desk = Desk(slots=8).up()
    desk.assign(1)
    desk.assign(2)
    desk.closed()
    desk.come_back(new_stream=True)
    desk.exchange()
    desk.assign(3)
    assert desk.started == [1, 2, 3]


def test_it_survives_a_hundred_reconnects_without_losing_or_doubling_a_result() -> None:
    desk = Desk(slots=200).up()
    for token in range(1, 101):
        desk.assign(token)
        desk.finish(token)
        list(desk.frames())
        desk.closed()
        desk.come_back()
        if token % 3 == 0:
            desk.exchange()
    desk.exchange()
    assert [result.token for result in desk.said(AttemptResult)] == list(range(1, 101))


def test_a_resume_works_with_no_message_exchanged_before() -> None:
    desk = Desk()
    desk.start()
    desk.connected()
    desk.closed()
    desk.come_back()
    desk.exchange()
    desk.assign(1)
    assert desk.started == [1]


# -- losses ------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "code", "expected"),
    [
        ("closed", 0, "closed"), ("closed", 1000, "closed"), ("reset", 0, "reset"),
        ("closed", CloseCode.going_away, "going_away"), ("closed", CloseCode.draining, "going_away"),
        ("closed", CloseCode.full, "going_away"), ("closed", CloseCode.superseded, "superseded"),
        ("closed", CloseCode.bad_frame, "bad_frame"),
        ("closed", CloseCode.heartbeat_timeout, "heartbeat_timeout"), ("closed", 4999, "closed"),
    ],
)  # fmt: skip
def test_a_loss_is_reported_by_its_kind(kind: str, code: int, expected: str) -> None:
    desk = Desk().up()
    desk.pass_ms(300)
    desk.closed(kind, code)
    lost = desk.journal(events.ConnectionLost)[0]
    assert (lost["kind"], lost["code"], lost["session"]) == (expected, code, "s1")
    assert lost["silent_ms"] == pytest.approx(300, abs=1)


def test_a_silent_link_is_closed_and_left() -> None:
    desk = Desk().up()
    desk.pass_ms(10_000)
    alive_ms = desk.now_ms
    desk.pass_ms(6_000, answered=False)
    lost = desk.journal(events.ConnectionLost)[0]
    assert lost["kind"] == "heartbeat_timeout"
    assert 4_000 <= lost["silent_ms"] <= 6_000
    assert desk.now_ms - alive_ms <= 6_000
    assert desk.all(Disconnect)[0].code == CloseCode.heartbeat_timeout


def test_a_process_that_was_paused_does_not_blame_the_link() -> None:
    desk = Desk().up()
    desk.pass_ms(5_000)
    desk.pass_ms(2_500, answered=False)
    desk.core.next_deadline_ns()
    desk.now_ms += 60_000
    desk.do(desk.core.on_tick(desk.now_ns))
    assert desk.core.state == "connected"
    desk.exchange()
    desk.pass_ms(10_000)
    assert desk.core.state == "connected"


def test_a_worker_that_learns_from_the_answers_leaves_a_silent_link_sooner() -> None:
    def silence_ms(*, adaptive: bool) -> float:
        desk = Desk(adaptive_heartbeat=adaptive).up()
        desk.pass_ms(60_000)
        began_ms = desk.now_ms
        while desk.core.state == "connected":
            desk.pass_ms(10, answered=False)
        return desk.now_ms - began_ms

    assert silence_ms(adaptive=True) < 0.7 * silence_ms(adaptive=False)


def test_a_bad_frame_of_an_older_connection_or_of_none_changes_nothing() -> None:
    desk = Desk().up()
    older = desk.core.connection
    error = FrameError(FrameFault.altered, "the code does not fit")
    desk.closed()
    assert desk.core.on_bad_frame(desk.now_ns, older, error) == []
    desk.come_back()
    assert desk.core.on_bad_frame(desk.now_ns, older, error) == []
    assert desk.core.state == "connected"
    assert desk.journal(events.FrameRefused) == []


def test_a_bad_frame_is_noted_and_the_connection_closed_and_resumed() -> None:
    desk = Desk().up()
    error = FrameError(FrameFault.altered, "the code does not fit")
    desk.do(desk.core.on_bad_frame(desk.now_ns, desk.core.connection, error))
    assert desk.journal(events.FrameRefused)[0]["fault"] == "altered"
    assert desk.journal(events.ConnectionLost)[0]["kind"] == "bad_frame"
    assert desk.last(Disconnect).code == CloseCode.bad_frame
    desk.until_state("connecting")
    assert desk.last(Connect).hello.resume is not None


def test_nothing_on_a_connection_counts_after_a_bad_frame() -> None:
    desk = Desk().up()
    number = desk.core.connection
    desk.do(desk.core.on_bad_frame(desk.now_ns, number, FrameError(FrameFault.altered, "")))
    desk.channel.send(GoAway(1, "x"), 0, 0)  # type: ignore[arg-type]
    assert desk.core.on_frame(desk.now_ns, number, desk.channel.take(0)) == []
    assert list(desk.frames()) == []


@pytest.mark.parametrize(
    "frame",
    [Frame(0, 512, [Envelope(5, GoAway(1, "x"))]), Frame(99, 512, [])],
    ids=["a gap", "an acknowledgement of what was never sent"],
)
def test_numbers_that_disagree_ask_for_a_new_session_since_resuming_would_fail_for_ever(frame: Frame) -> None:
    desk = Desk(slots=8).up()
    desk.assign(1)
    desk.finish(1)
    desk.do(desk.core.on_frame(desk.now_ns, desk.core.connection, frame))
    assert desk.journal(events.ConnectionLost)[0]["kind"] == "bad_frame"
    desk.until_state("connecting")
    assert desk.last(Connect).hello.resume is None
    desk.connected("reset")
    desk.exchange()
    assert [result.token for result in desk.said(AttemptResult)] == [1]


def test_a_welcome_that_acknowledges_frames_that_were_never_sent_is_refused() -> None:
    desk = Desk().up()
    desk.closed()
    desk.come_back(received=7)
    assert desk.journal(events.ConnectFailed)[-1]["kind"] == "handshake"
    desk.until_state("connecting")
    assert desk.last(Connect).hello.resume is None


def test_a_message_that_is_not_for_workers_changes_nothing() -> None:
    desk = Desk().up()
    desk.say(Goodbye("x"))
    assert desk.core.state == "connected"


# -- slots of a refusal and a drain ------------------------


def test_a_terminal_refusal_stops_the_worker_and_says_so() -> None:
    for reason in (RefusalReason.bad_key, RefusalReason.version):
        desk = Desk()
        desk.start()
        desk.failed("status", Refusal(reason.label, "no use"))
        assert desk.journal(events.ReconnectAbandoned) == [{"reason": reason.label, "detail": "no use"}]
        assert desk.last(StopWorker).exit_code == 1
        assert desk.core.next_deadline_ns() is None


@pytest.mark.parametrize("reason", [reason for reason in RefusalReason if not reason.terminal])
def test_any_other_refusal_is_no_reason_to_stop(reason: RefusalReason) -> None:
    desk = Desk()
    desk.start()
    desk.failed("status", Refusal(reason.label, "not now"))
    desk.until_state("connecting")


def test_a_slot_from_a_refusal_is_kept_to_the_millisecond() -> None:
    desk = Desk(policy="slotted")
    desk.start()
    desk.failed("status", Refusal("full", "", retry_after_ms=1_500))
    at_ms = desk.now_ms
    desk.until_state("connecting")
    assert desk.now_ms - at_ms == pytest.approx(1_500, abs=0.01)
    assert desk.journal(events.ConnectFailed)[0]["retry_after_ms"] == 1_500


def test_a_slot_from_a_go_away_counts_from_when_it_was_said() -> None:
    desk = Desk(policy="slotted").up()
    desk.say(GoAway(2_000, "leaving"))
    said_ms = desk.now_ms
    desk.pass_ms(500)
    desk.closed("closed", CloseCode.going_away)
    desk.until_state("connecting")
    assert desk.now_ms - said_ms == pytest.approx(2_000, abs=0.01)


def test_a_connection_that_ends_after_go_away_was_going_away_however_it_ended() -> None:
    desk = Desk().up()
    desk.say(GoAway(100, "leaving"))
    desk.closed("closed")
    assert desk.journal(events.ConnectionLost)[0]["kind"] == "going_away"


def test_work_goes_on_after_go_away_until_the_connection_ends() -> None:
    desk = Desk().up()
    desk.assign(1)
    desk.say(GoAway(2_000, "leaving"))
    desk.finish(1)
    desk.exchange()
    assert [result.token for result in desk.said(AttemptResult)] == [1]


# -- heartbeats --------------------------------------------


def test_heartbeats_go_out_at_the_welcomes_interval() -> None:
    desk = Desk().up()
    desk.pass_ms(60_000)
    assert 30 <= len(desk.said(Heartbeat)) <= 32


def test_a_heartbeat_reports_the_progress_of_every_attempt() -> None:
    desk = Desk().up()
    desk.assign(1)
    desk.do(desk.core.on_step_done(desk.now_ns, 1, 3, last=False))
    desk.pass_ms(4_000)
    beat = desk.said(Heartbeat)[-1]
    assert [(each.token, each.step) for each in beat.progress] == [(1, 3)]


def test_what_came_in_is_acknowledged_even_when_there_is_nothing_to_say() -> None:
    desk = Desk().up()
    desk.assign(1)
    assert desk.channel.depth == 0


def test_an_answer_to_an_old_heartbeat_shortens_no_lease() -> None:
    desk = Desk().up()
    desk.assign(1)
    desk.exchange(LeasesRenewed(desk.now_ns - 9_000 * MS, 10_000, [1]))
    assert desk.core.live_tasks(desk.now_ns + 9_000 * MS) == ["t1"]
