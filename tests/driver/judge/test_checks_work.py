"""What the checks on work done say of histories in which it is repeated, vanishes, or is left lying."""

from __future__ import annotations

from driver.checks.finding import Status
from tests.driver.judge.findings import found
from tests.driver.judge.histories import Past, healthy_herd, small
from wire import events as wire
from wire import task_events

# -- no_work_repeated ------------------------------


def test_a_herd_that_resumes_repeats_nothing() -> None:
    assert found("no_work_repeated", healthy_herd()).status is Status.passed


def test_an_attempt_that_is_started_twice_is_repeated_and_shown() -> None:
    past = small()
    past.submit("again", 3)
    token = past.assign("again", "worker-1", 3.1)
    past.emit("worker-1", task_events.Started, 3.2, task="again", token=token)
    past.finish("again", "worker-1", token, 3.3)
    finding = found("no_work_repeated", past)
    assert finding.status is Status.failed
    assert "1 attempts were run twice: again on worker-1" in finding.because
    assert len(finding.evidence) == 2


def test_an_attempt_that_finishes_twice_is_repeated() -> None:
    past = small()
    past.submit("again", 3)
    token = past.assign("again", "worker-1", 3.1)
    past.emit("worker-1", task_events.Finished, 3.2, task="again", token=token, error="", took_ms=50.0)
    past.finish("again", "worker-1", token, 3.3)
    assert found("no_work_repeated", past).status is Status.failed


def test_an_attempt_that_goes_on_after_its_task_was_given_to_another_outlived_its_lease() -> None:
    past = _given_to_another(older_finishes_s=4.5)
    finding = found("no_work_repeated", past)
    assert finding.status is Status.failed
    assert "had been reassigned: slow on worker-1" in finding.because


def test_an_attempt_that_finished_before_its_task_was_given_to_another_repeats_nothing() -> None:
    assert found("no_work_repeated", _given_to_another(older_finishes_s=3.9)).status is Status.passed


def test_a_counted_result_that_comes_as_a_new_one_is_acknowledged_again() -> None:
    past = small()
    _refuse_a_duplicate(past)
    finding = found("no_work_repeated", past)
    assert finding.status is Status.failed
    assert "results came again" in finding.because


def test_a_counted_result_may_come_again_after_a_reset() -> None:
    past = small()
    past.lose("worker-1", 3.0)
    past.connect("worker-1", 3.1, outcome="reset")
    _refuse_a_duplicate(past)
    assert found("no_work_repeated", past).status is Status.passed


def test_without_any_attempt_repetition_is_unknown() -> None:
    past = Past(1)
    past.begin()
    past.end(20)
    assert found("no_work_repeated", past).status is Status.unknown


# -- acknowledged_results_stand ------------------------------


def test_results_that_are_counted_stay() -> None:
    assert found("acknowledged_results_stand", healthy_herd()).status is Status.passed


def test_an_acknowledged_result_that_was_not_counted_vanished() -> None:
    past = small()
    _acknowledged(past, "vanished")
    finding = found("acknowledged_results_stand", past)
    assert finding.status is Status.failed
    assert "vanished of worker-1" in finding.because


def test_an_acknowledged_result_that_was_refused_did_not_vanish() -> None:
    past = small()
    token = _acknowledged(past, "late")
    past.emit(
        "coordinator",
        task_events.ResultRefused,
        3.4,
        task="late",
        token=token,
        worker="worker-1",
        because="stale",
    )
    assert found("acknowledged_results_stand", past).status is Status.passed


def test_an_error_that_is_tried_again_did_not_vanish() -> None:
    past = small()
    _acknowledged(past, "wrong", error="went wrong")
    assert found("acknowledged_results_stand", past).status is Status.passed


# -- left_in_order ------------------------------


def test_a_worker_that_finishes_and_says_goodbye_left_in_order() -> None:
    assert found("left_in_order", _leave()).status is Status.passed


def test_a_worker_that_had_to_be_killed_did_not_leave_in_order() -> None:
    finding = found("left_in_order", _leave(stops=False))
    assert finding.status is Status.failed
    assert "worker-1 under leave was killed" in finding.because


def test_a_worker_without_a_goodbye_did_not_leave_in_order() -> None:
    assert "sent no goodbye" in found("left_in_order", _leave(says_goodbye=False)).because


def test_a_goodbye_of_long_before_the_stop_is_none_of_this_process() -> None:
    past = _leave(says_goodbye=False)
    past.emit("coordinator", wire.WorkerGone, 3, worker="worker-1", session="s", reason="goodbye")
    assert "sent no goodbye" in found("left_in_order", past).because


def test_work_that_was_begun_and_not_handed_back_is_left_behind() -> None:
    past = _leave()
    past.submit("begun", 9)
    past.assign("begun", "worker-1", 9.5)
    finding = found("left_in_order", past)
    assert finding.status is Status.failed
    assert "neither finished nor returned" in finding.because
    assert any("task=begun" in line.text for line in finding.evidence)


def test_work_that_was_handed_back_is_not_left_behind() -> None:
    past = _leave()
    past.submit("begun", 9)
    token = past.assign("begun", "worker-1", 9.5)
    past.emit(
        "worker-1", task_events.Dropped, 10.1, task="begun", token=token, reason="handed back: draining"
    )
    assert found("left_in_order", past).status is Status.passed


def test_a_worker_that_is_cut_off_when_it_leaves_is_excused() -> None:
    past = _leave(says_goodbye=False)
    past.fault("away", "refuse", ["worker-1"], 9, 4)
    assert found("left_in_order", past).status is Status.unknown


# -- workers_were_cut_off ------------------------------


def test_a_worker_that_stays_connected_under_a_long_proved_silence_did_not_notice() -> None:
    finding = found("workers_were_cut_off", _silence(for_s=12))
    assert finding.status is Status.failed
    assert "worker-1 stayed connected under silence (partition) for 12 s" in finding.because


def test_a_silence_that_is_not_proved_may_have_been_none() -> None:
    assert found("workers_were_cut_off", _silence(for_s=12, proved=False)).status is Status.unknown


def test_a_worker_that_notices_a_little_late_is_not_blamed() -> None:
    past = _silence(for_s=12)
    past.lose("worker-1", 24)
    past.connect("worker-1", 25, outcome="resumed")
    assert found("workers_were_cut_off", past).status is Status.unknown


def _given_to_another(older_finishes_s: float) -> Past:
    past = small()
    past.submit("slow", 3)
    older = past.assign("slow", "worker-1", 3.1)
    past.lose_attempt("slow", "worker-1", older, 4.0)
    past.emit(
        "worker-1", task_events.Finished, older_finishes_s, task="slow", token=older, error="", took_ms=50.0
    )
    past.finish("slow", "worker-2", past.assign("slow", "worker-2", 4.1), 5.0)
    return past


def _refuse_a_duplicate(past: Past) -> None:
    past.submit("counted", 4)
    token = past.assign("counted", "worker-1", 4.1)
    past.finish("counted", "worker-1", token, 4.3)
    more = {"task": "counted", "token": token, "worker": "worker-1", "because": "duplicate"}
    past.emit("coordinator", task_events.ResultRefused, 4.5, **more)


def _acknowledged(past: Past, task: str, error: str = "") -> int:
    past.submit(task, 3)
    token = past.assign(task, "worker-1", 3.1)
    past.emit("worker-1", task_events.Finished, 3.2, task=task, token=token, error=error, took_ms=50.0)
    past.emit("worker-1", task_events.ResultAcknowledged, 3.3, task=task, token=token)
    return token


def _leave(*, stops: bool = True, says_goodbye: bool = True) -> Past:
    past = Past(2)
    past.begin()
    past.flow(2, 8)
    past.fault("leave", "stop", ["worker-1"], 10.5, 5, due_s=10)
    if stops:
        past.emit("worker-1", wire.ProcessStopping, 10.4, reason="drained")
    if says_goodbye:
        past.emit("coordinator", wire.WorkerGone, 10.6, worker="worker-1", session="s", reason="goodbye")
    past.start("worker-1", 15.6)
    past.connect("worker-1", 16)
    past.end(30)
    return past


def _silence(for_s: float, *, proved: bool = True) -> Past:
    past = Past(1)
    past.begin()
    past.flow(2, 9)
    past.fault("silence", "partition", ["worker-1"], 10, for_s, proved=proved)
    past.end(40)
    return past
