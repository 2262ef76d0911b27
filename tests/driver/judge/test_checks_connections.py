"""What the checks on connections and healing say of histories in which one thing is wrong."""

from __future__ import annotations

from driver.checks.finding import Status
from tests.driver.judge.findings import found
from tests.driver.judge.histories import Past, healthy_herd, small
from wire import events as wire


def herd_in_which(worker: str, *, is_cut: bool = True, comes_back: bool = True) -> Past:
    """Three workers under a cut, of which one behaves otherwise."""
    past = Past(3)
    past.begin()
    past.flow(2, 9)
    others = [name for name in past.workers if name != worker]
    past.fault("cut-1", "refuse", past.workers, 10, 5)
    for name in others:
        past.lose(name, 10.005)
        past.connect(name, 16, outcome="resumed")
    if is_cut:
        past.lose(worker, 10.01)
        if comes_back:
            past.connect(worker, 16, outcome="resumed")
    past.flow(18, 28)
    past.end(40)
    return past


# -- workers_were_cut_off ------------------------------


def test_a_herd_that_was_cut_off_and_came_back_is_cut_off() -> None:
    finding = found("workers_were_cut_off", healthy_herd(workers=3, rounds=2))
    assert finding.status is Status.passed
    assert finding.measured == 6


def test_a_worker_that_stays_connected_under_a_cut_makes_the_run_unknown() -> None:
    finding = found("workers_were_cut_off", herd_in_which("worker-2", is_cut=False))
    assert finding.status is Status.unknown
    assert "worker-2 under cut-1" in finding.because


def test_a_worker_that_never_comes_back_is_a_failure() -> None:
    finding = found("workers_were_cut_off", herd_in_which("worker-2", comes_back=False))
    assert finding.status is Status.failed
    assert "worker-2" in finding.because
    assert "lost" in finding.evidence[0].text


def test_of_many_workers_that_never_come_back_five_are_named() -> None:
    past = Past(7)
    past.begin()
    past.fault("cut-1", "refuse", past.workers, 10, 5)
    for name in past.workers[:6]:
        past.lose(name, 10.005)
    past.end(40)
    because = found("workers_were_cut_off", past).because
    assert because == (
        "6 of 7 workers never reconnected: worker-1, worker-2, worker-3, worker-4, worker-5, …"
    )


def test_faults_that_do_nothing_are_unknown() -> None:
    past = Past(2)
    past.begin()
    past.flow(2, 9)
    past.fault("no-op", "refuse", past.workers, 10, 5)
    past.end(30)
    assert found("workers_were_cut_off", past).status is Status.unknown


def test_a_worker_that_notices_the_cut_only_after_it_ended_was_cut_off() -> None:
    past = Past(1)
    past.begin()
    past.flow(2, 9)
    past.fault("stall", "stall", past.workers, 10, 5)
    past.lose("worker-1", 15.5, kind="heartbeat_timeout", silent_s=5.6)
    past.connect("worker-1", 16, outcome="resumed")
    past.end(30)
    assert found("workers_were_cut_off", past).status is Status.passed


def test_a_worker_that_was_down_already_when_the_fault_began_was_cut_off() -> None:
    past = Past(1)
    past.begin()
    past.lose("worker-1", 9)
    past.fault("cut", "refuse", ["worker-1"], 10, 2)
    past.connect("worker-1", 13, outcome="resumed")
    past.end(30)
    assert found("workers_were_cut_off", past).status is Status.passed


def test_a_worker_that_was_back_before_the_fault_began_was_not_cut_off_by_it() -> None:
    past = Past(1)
    past.begin()
    past.lose("worker-1", 5)
    past.connect("worker-1", 6, outcome="resumed")
    past.fault("cut", "refuse", ["worker-1"], 10, 2)
    past.end(30)
    assert found("workers_were_cut_off", past).status is Status.unknown


def test_a_loss_long_after_the_fault_is_not_its_doing() -> None:
    past = Past(1)
    past.begin()
    past.flow(2, 9)
    past.fault("cut", "refuse", past.workers, 10, 2)
    past.lose("worker-1", 20, silent_s=0.1)
    past.connect("worker-1", 21, outcome="resumed")
    past.end(30)
    assert found("workers_were_cut_off", past).status is Status.unknown


def test_a_fault_at_the_coordinator_reaches_every_worker() -> None:
    past = Past(2)
    past.begin()
    past.flow(2, 9)
    past.fault("kill", "kill", ["coordinator"], 10, 2)
    past.lose("worker-1", 10.01)
    past.connect("worker-1", 13, outcome="resumed")
    past.end(30)
    finding = found("workers_were_cut_off", past)
    assert finding.status is Status.unknown
    assert "worker-2" in finding.because


def test_faults_that_need_not_disconnect_a_worker_are_no_cuts() -> None:
    past = Past(1)
    past.begin()
    past.fault("slow", "latency", past.workers, 10, 2, cuts=False)
    past.end(30)
    assert found("workers_were_cut_off", past).status is Status.passed
    assert found("workers_were_cut_off", past, required=1).status is Status.unknown


def test_a_worker_that_was_killed_and_came_back_as_a_new_process_was_cut_off() -> None:
    past = Past(1)
    past.begin()
    past.flow(2, 9)
    past.fault("kill", "kill", ["worker-1"], 10, 2)
    past.start("worker-1", 12.5)
    past.connect("worker-1", 13)
    past.end(30)
    assert found("workers_were_cut_off", past).status is Status.passed


# -- agreement_on_connected ------------------------------


def test_two_sides_that_say_the_same_agree() -> None:
    assert found("agreement_on_connected", healthy_herd()).status is Status.passed


def test_a_worker_that_the_coordinator_forgot_is_a_ghost_at_the_end() -> None:
    past = small()
    lost = {"session": "worker-1/0.5", "kind": "closed", "detail": "", "silent_ms": 1.0}
    past.emit("coordinator", wire.WorkerLost, 7, worker="worker-1", **lost)
    finding = found("agreement_on_connected", past)
    assert finding.status is Status.failed
    assert "worker-1 (the worker)" in finding.because
    assert any("worker_lost" in line.text for line in finding.evidence)


def test_what_both_sides_lose_in_the_last_nanosecond_is_no_disagreement_at_the_end() -> None:
    past = small()
    last_s = 20 - 1e-9
    lost = {"session": "worker-1/0.5", "kind": "closed", "detail": "", "silent_ms": 1.0}
    past.emit("worker-1", wire.ConnectionLost, last_s, **lost)
    past.emit("coordinator", wire.WorkerLost, last_s, worker="worker-1", **lost)
    assert found("agreement_on_connected", past).status is Status.passed


def test_a_zombie_that_lasts_too_long_outside_faults_fails_though_it_ends() -> None:
    past = Past(1)
    past.begin()
    past.emit(
        "worker-1", wire.ConnectionLost, 3, session="worker-1/0.5", kind="closed", detail="", silent_ms=1.0
    )
    past.connect("worker-1", 15, outcome="resumed")
    past.end(30)
    finding = found("agreement_on_connected", past)
    assert finding.status is Status.failed
    assert "zombie" in finding.because
    assert finding.measured is not None
    assert 11 < finding.measured < 12.1
    assert finding.margin == 10 - finding.measured
    assert any("lost" in line.text for line in finding.evidence)


def test_disagreement_under_a_fault_is_excused() -> None:
    past = Past(1)
    past.begin()
    past.fault("stall", "stall", past.workers, 2, 13)
    past.emit(
        "worker-1", wire.ConnectionLost, 3, session="worker-1/0.5", kind="closed", detail="", silent_ms=1.0
    )
    past.connect("worker-1", 15, outcome="resumed")
    past.end(30)
    assert found("agreement_on_connected", past).status is Status.passed


def test_one_silent_side_leaves_agreement_unknown() -> None:
    past = small()
    past.lines["coordinator"] = []
    assert found("agreement_on_connected", past).status is Status.unknown


# -- converged_after_healing ------------------------------


def test_a_herd_that_is_back_soon_converged() -> None:
    finding = found("converged_after_healing", healthy_herd())
    assert finding.status is Status.passed
    assert finding.measured == 1.0


def test_a_worker_that_flaps_long_after_healing_did_not_converge_in_time() -> None:
    past = healthy_herd(rounds=1)
    past.lose("worker-2", 25)
    past.connect("worker-2", 26, outcome="resumed")
    finding = found("converged_after_healing", past, within_s=5)
    assert finding.status is Status.failed
    assert "worker-2" in finding.because


def test_a_worker_missing_at_the_end_did_not_converge() -> None:
    assert (
        found("converged_after_healing", herd_in_which("worker-3", comes_back=False)).status is Status.failed
    )


def test_without_a_fault_there_is_nothing_to_converge_from() -> None:
    assert found("converged_after_healing", small()).status is Status.unknown


# -- no_metastable_state ------------------------------


def storm_after_which(latency_s: float, *, still_failing: bool = False) -> Past:
    past = Past(2)
    past.begin()
    past.flow(2, 9)
    past.cut("cut", 10, 5)
    for number in range(30):
        past.run_task(f"after-{number}", "worker-1", 30 + number * 0.2, takes_s=latency_s)
    if still_failing:
        past.lose("worker-2", 33)
        past.connect("worker-2", 33.5, outcome="resumed")
    past.end(60)
    return past


def test_a_system_as_quick_as_before_is_not_metastable() -> None:
    assert found("no_metastable_state", storm_after_which(0.06)).status is Status.passed


def test_latency_that_stays_high_when_the_trigger_is_gone_is_metastable() -> None:
    finding = found("no_metastable_state", storm_after_which(5.0))
    assert finding.status is Status.failed
    assert finding.margin is not None
    assert finding.margin < 0


def test_connections_that_keep_breaking_when_the_trigger_is_gone_are_metastable() -> None:
    assert found("no_metastable_state", storm_after_which(0.06, still_failing=True)).status is Status.failed


def test_without_load_after_the_trigger_it_is_unknown() -> None:
    past = Past(2)
    past.begin()
    past.flow(2, 9)
    past.cut("cut", 10, 5)
    past.end(60)
    assert found("no_metastable_state", past).status is Status.unknown
