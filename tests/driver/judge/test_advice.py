"""Advice is given where the figures call for it, names them, and is silent elsewhere."""

from __future__ import annotations

import re

import msgspec
import pytest

from driver.forensics.analysis import analyse
from driver.forensics.sentences import ranged
from driver.judging.expectations import all_findings
from driver.metrics import METRICS, measure
from driver.reference.advice import advise
from driver.report.advice import Advice
from driver.scenarios.thresholds import parse_expectations
from tests.driver.forensics.fleets import Fleet
from tests.driver.judge.histories import Past, healthy_herd, small
from wire import events as wire
from wire import task_events


def given(past: Past, *expected: str) -> dict[str, Advice]:
    history = past.history()
    metrics = measure(history)
    findings = all_findings(history, metrics, parse_expectations(expected))
    return {advice.name: advice for advice in advise(history, metrics, findings)}


def failing() -> Past:
    past = small()
    for number in range(5):
        past.submit(f"bad-{number}", 7)
        past.finish(
            f"bad-{number}", "worker-1", past.assign(f"bad-{number}", "worker-1", 7.1), 7.2, outcome="failed"
        )
    return past


def reconnecting() -> Past:
    past = healthy_herd(workers=2, rounds=1)
    for number in range(9):
        past.lose("worker-1", 20 + number)
        past.connect("worker-1", 20.5 + number, outcome="resumed")
    return past


def asleep() -> Past:
    past = Past(2)
    past.begin()
    past.cut("long-sleep", 10, 5, back_s=20)
    past.end(60)
    return past


def slow_to_notice() -> Past:
    past = Past(1)
    past.begin()
    past.fault("hole", "blackhole", ["worker-1"], 10, 8)
    past.lose("worker-1", 17, kind="heartbeat_timeout", silent_s=7.5)
    past.connect("worker-1", 18.5, outcome="resumed")
    past.end(60)
    return past


def in_step(policy: str = "exponential") -> Past:
    past = Past(12)
    past.begin()
    for worker in past.workers:
        past.forget(worker, wire.ProcessStarted)
        past.emit(worker, wire.ProcessStarted, 0.2, role="worker", incarnation=worker,
                  settings=msgspec.Raw(msgspec.json.encode({"policy": policy})))  # fmt: skip
    past.fault("all", "refuse", past.workers, 10, 5)
    for worker in past.workers:
        past.lose(worker, 10.01)
        past.connect(worker, 15.02, outcome="resumed")
    past.end(60)
    return past


def in_vain() -> Past:
    past = Past(1)
    past.begin()
    past.fault("cut", "refuse", ["worker-1"], 10, 5)
    past.lose("worker-1", 10.01)
    for number in range(80):
        past.fail_to_connect("worker-1", 10.1 + number * 0.05, attempt=number + 1)
    past.connect("worker-1", 15.5, outcome="resumed")
    past.end(60)
    return past


def forgotten() -> Past:
    past = Past(1)
    past.begin()
    past.lose("worker-1", 10)
    past.connect("worker-1", 11, outcome="reset")
    past.end(60)
    return past


def flooded() -> Past:
    past = Past(1)
    past.begin()
    for number in range(40):
        past.submit(f"t-{number}", 2 + number * 0.1)
        past.finish(
            f"t-{number}", "worker-1", past.assign(f"t-{number}", "worker-1", 2 + number), 2.5 + number
        )
    past.end(60)
    return past


def restarted_from(from_step: int) -> Past:
    past = small()
    past.submit("c", 7)
    token = past.assign("c", "worker-1", 7.1)
    point = {"task": "c", "token": token, "step": 3, "size_bytes": 100}
    past.emit("coordinator", task_events.CheckpointCommitted, 7.3, worker="worker-1", **point)
    past.lose_attempt("c", "worker-1", token, 7.4)
    again = past.assign("c", "worker-2", 7.5, attempt=2, from_step=from_step)
    past.done("c", "worker-2", again, 8, redone_steps=7)
    return past


def expiring() -> Past:
    past = small()
    for number in range(4):
        past.emit("worker-1", task_events.LeaseExpired, 8 + number, task=f"t-{number}", token=900 + number)
    return past


CAUSES = {
    "success_too_low": failing(),
    "reconnects_too_often": reconnecting(),
    "back_too_late": asleep(),
    "detection_dominates": slow_to_notice(),
    "heartbeat_too_slow": slow_to_notice(),
    "fleet_in_step": in_step(),
    "attempts_in_vain": in_vain(),
    "sessions_forgotten": forgotten(),
    "flood_not_kept_up": flooded(),
    "checkpoints_unused": restarted_from(from_step=0),
    "leases_too_short": expiring(),
}


EXPECTED = {"heartbeat_too_slow": ("detection_time_max <= 3s",)}


@pytest.mark.parametrize("name", CAUSES)
def test_advice_is_given_where_its_cause_is_there(name: str) -> None:
    advice = given(CAUSES[name], *EXPECTED.get(name, ()))[name]
    assert advice.change
    assert advice.because
    assert advice.brings
    assert re.search(r"\d", advice.because), "a reason has a figure"
    assert set(advice.evidence) <= set(METRICS)


def test_another_policy_is_advised_with_the_figure_of_the_one_that_was_followed() -> None:
    history = Fleet(("seed",), 20, 2, (12.0, 12.0), seed=3).history()
    found = history.view(analyse).what_if
    assert found is not None
    advice = next(one for one in advise(history, measure(history)) if one.name == "other_policy")
    assert "By seed all were back" in advice.because
    assert ranged(found.was.all_back_s) in advice.because


@pytest.mark.parametrize(("policy", "is_advised"), [("exponential", True), ("full_jitter", False)])
def test_only_a_fleet_that_does_not_draw_at_random_gets_that_advice(policy: str, is_advised: bool) -> None:
    assert ("fleet_in_step" in given(in_step(policy))) is is_advised


@pytest.mark.parametrize("name", CAUSES)
def test_advice_is_not_given_to_a_healthy_herd(name: str) -> None:
    assert name not in given(healthy_herd(workers=12))


def test_losses_under_a_fault_that_damages_frames_ask_for_no_change_of_the_connections() -> None:
    past = Past(1)
    past.begin()
    past.fault("damage", "corrupt", ["worker-1"], 10, 20)
    for number in range(9):
        past.lose("worker-1", 12 + number, kind="bad_frame")
        past.connect("worker-1", 12.5 + number, outcome="resumed")
    past.end(60)
    assert "reconnects_too_often" not in given(past)


@pytest.mark.parametrize(
    ("kind", "silent_s", "lost_after_s", "is_explained"),
    [("heartbeat_timeout", 9.5, 9, True), ("closed", 0.1, 5, False)],
)
def test_a_fault_explains_the_connections_that_broke_in_it_and_no_others(
    kind: str, silent_s: float, lost_after_s: float, is_explained: bool
) -> None:
    past = Past(1)
    past.begin()
    for at_s in (10, 30):
        past.fault(f"hole-{at_s}", "blackhole", ["worker-1"], at_s, 2)
        past.lose("worker-1", at_s + lost_after_s, kind=kind, silent_s=silent_s)
        past.connect("worker-1", at_s + lost_after_s + 1, outcome="resumed")
    past.end(60)
    assert ("reconnects_too_often" in given(past)) is not is_explained


def test_advice_on_sleeping_workers_says_for_how_long_and_what_half_the_cap_brings() -> None:
    advice = given(asleep())["back_too_late"]
    assert "20 s (p99) of the 20 s" in advice.because
    assert "about 10 s" in advice.brings


def test_heartbeats_that_cannot_meet_a_detection_time_are_named_with_settings_that_can() -> None:
    advice = given(slow_to_notice(), "detection_time_max <= 3s")["heartbeat_too_slow"]
    assert "detection_time_max_s is 7 s; <= 3 s was expected" in advice.because
    assert "a heartbeat every 2 s and a timeout of 4 s" in advice.because
    assert "after 6 s at the latest" in advice.because
    assert "after 2.7 s at the latest" in advice.brings
    assert [(one.key, one.then) for one in advice.settings] == [
        ("heartbeat_interval_ms", "900"),
        ("heartbeat_timeout_ms", "1800"),
    ]


@pytest.mark.parametrize("expected", ["detection_time_max <= 6.5s", "detection_time_p50 <= 5.5s"])
def test_heartbeats_that_could_have_met_a_detection_time_are_left_alone(expected: str) -> None:
    assert "heartbeat_too_slow" not in given(slow_to_notice(), expected)


def test_half_the_interval_counts_where_the_threshold_is_on_an_average() -> None:
    advice = given(slow_to_notice(), "detection_time_p50 <= 4.5s")["heartbeat_too_slow"]
    assert "after 5 s on average" in advice.because


def test_work_that_is_done_twice_asks_for_more_checkpoints() -> None:
    assert "more often" in given(restarted_from(from_step=3))["checkpoints_unused"].change


def test_a_few_workers_that_come_back_together_are_not_in_step() -> None:
    past = Past(3)
    past.begin()
    past.cut("all", 10, 5, back_s=0.05)
    past.end(60)
    assert "fleet_in_step" not in given(past)


def test_no_advice_on_an_empty_history() -> None:
    assert given(Past(0)) == {}
