"""Detection times, zombies and ghosts, workers in step; and what a history with gaps still shows."""

from __future__ import annotations

import pytest

from driver.forensics.analysis import ForensicAnalysis, analyse
from driver.forensics.synchrony import StormSynchrony
from driver.histories.connection_history import GHOST, ZOMBIE
from driver.histories.history import Damage, History
from tests.driver.forensics.fleets import Fleet
from tests.driver.judge.histories import Past, healthy_herd, small
from wire import events as wire
from wire.settings import CoordinatorSettings


def analysed(past: Past) -> ForensicAnalysis:
    return analyse(past.history())


def without(history: History, process: str) -> History:
    """The same history, one journal of it lost."""
    journals = {name: journal for name, journal in history.journals.items() if name != process}
    return History(journals, history.expected, history.clients)


def storm(policy: str, workers: int = 20, **more: float) -> StormSynchrony:
    settings = CoordinatorSettings(admission_per_s=20.0)
    life = Fleet((policy,), workers, 1, (10.0, 10.0), 5, settings)
    return analyse(life.history()).storms[0]


def half_open() -> Past:
    """The worker notices at 14, the coordinator at 19.5; both sides' link broke at 10."""
    past = Past(1)
    past.begin()
    past.fault("hole", "blackhole", ["worker-1"], 10, 8)
    past.lose("worker-1", 14, kind="heartbeat_timeout", silent_s=4.0)
    past.connect("worker-1", 20, outcome="resumed")
    past.end(60)
    past.lines["coordinator"] = [
        line for line in past.lines["coordinator"] if not isinstance(line, wire.WorkerLost)
    ]
    past.emit(
        "coordinator", wire.WorkerLost, 19.5, worker="worker-1", session="",
        kind="heartbeat_timeout", detail="", silent_ms=9_500.0,
    )  # fmt: skip
    return past


def with_sessions(past: Past) -> Past:
    """The coordinator's losses with the session that the worker had."""
    joined = next(line for line in past.lines["coordinator"] if isinstance(line, wire.WorkerJoined))
    past.lines["coordinator"] = [
        wire.WorkerLost(
            at_ns=line.at_ns, wall_s=0.0, by="coordinator", worker=line.worker, session=joined.session,
            kind=line.kind, detail="", silent_ms=line.silent_ms,
        )
        if isinstance(line, wire.WorkerLost)
        else line
        for line in past.lines["coordinator"]
    ]  # fmt: skip
    return past


def test_each_side_noticed_at_its_own_time() -> None:
    seen = analysed(with_sessions(half_open())).noticed
    assert [round(one.client_s, 1) for one in seen] == [4.0]
    assert seen[0].server_s == pytest.approx(9.5, abs=0.01)


def test_a_coordinator_that_noticed_only_the_new_connection_noticed_nothing() -> None:
    past = half_open()
    past.forget("coordinator", wire.WorkerLost)
    assert analysed(past).noticed[0].server_s is None


def test_a_worker_is_a_zombie_while_it_is_gone_and_its_session_is_open() -> None:
    disagreements = analysed(with_sessions(half_open())).disagreements
    assert [(one.client, one.what, one.fault) for one in disagreements] == [("worker-1", ZOMBIE, "hole")]
    assert disagreements[0].lasted_s == pytest.approx(5.5, abs=0.01)


def test_a_worker_that_keeps_a_connection_which_the_coordinator_ended_is_a_ghost() -> None:
    past = Past(1)
    past.begin()
    joined = next(line for line in past.lines["coordinator"] if isinstance(line, wire.WorkerJoined))
    lost = {"session": joined.session, "kind": "heartbeat_timeout", "detail": ""}
    past.emit("coordinator", wire.WorkerLost, 12, worker="worker-1", silent_ms=4_000.0, **lost)
    past.emit("worker-1", wire.ConnectionLost, 15, silent_ms=7_000.0, **lost)
    past.connect("worker-1", 16, outcome="resumed")
    past.end(60)
    disagreements = analysed(past).disagreements
    assert [(one.what, round(one.lasted_s, 1)) for one in disagreements] == [(GHOST, 3.0)]


def test_a_coordinator_that_was_killed_detected_nothing_and_trusted_no_worker() -> None:
    past = Past(3)
    past.begin()
    past.fault("kill-1", "kill", ["coordinator"], 10.3, 2, due_s=10.0)
    for worker in past.workers:
        past.emit(worker, wire.ConnectionLost, 10.05, session="", kind="reset", detail="", silent_ms=5.0)
    past.start("coordinator", 12.5, role="coordinator")
    for worker in past.workers:
        past.connect(worker, 13, outcome="resumed")
    past.end(60)
    found = analysed(past)
    assert [one.server_s for one in found.noticed] == [None] * 3
    assert found.disagreements == ()


def test_a_healthy_herd_has_neither() -> None:
    assert analysed(healthy_herd()).disagreements == ()


def test_the_time_is_all_accounted_for() -> None:
    found = analysed(healthy_herd())
    assert sum(part.share for part in found.spent) == pytest.approx(1)
    by_phase = {part.phase.name: part.total_s for part in found.spent}
    ways_back = sum(one.outage.total_s or 0 for one in found.noticed)
    assert sum(by_phase.values()) - by_phase["resume"] == pytest.approx(ways_back)


def test_a_fleet_without_jitter_comes_in_step_and_one_with_jitter_as_by_chance() -> None:
    assert storm("exponential").in_step
    assert storm("exponential").share > 2 * storm("slotted").share
    assert not storm("slotted").in_step


def test_amplification_is_attempts_for_each_worker() -> None:
    found = storm("fixed")
    assert found.amplification == found.attempts / 20
    assert found.amplification == pytest.approx(10 / 0.105, rel=0.1)


def test_two_attempts_show_nothing_of_chance() -> None:
    found = analysed(small_storm()).storms[0]
    assert found.by_chance is None
    assert not found.in_step


def small_storm() -> Past:
    past = Past(2)
    past.begin()
    past.cut("one", 10, 2)
    past.end(30)
    return past


def test_a_worker_that_follows_another_policy_than_its_fleet_is_reported() -> None:
    policies = ["full_jitter"] * 15
    policies[6] = "fixed"
    found = analyse(Fleet(policies, 15, 3, seed=4).history())
    assert found.naming.best is not None
    assert found.naming.best.policy.name == "full_jitter"
    assert [one.client for one in found.deviants] == ["worker-7"]
    assert found.deviants[0].naming.best is not None
    assert found.deviants[0].naming.best.policy.name == "fixed"


# -- what bad input gets -------------------------------------


def test_without_the_coordinators_journal_the_rest_is_reported_and_what_is_missing_is_said() -> None:
    history = Fleet(("full_jitter",), 10, 2).history()
    found = analyse(without(history, "coordinator"))
    assert found.naming.sure
    assert found.disagreements == ()
    assert "coordinator's journal is missing" in found.missing[0]
    assert found.what_if is not None


def test_workers_without_a_journal_are_named() -> None:
    history = Fleet(("full_jitter",), 10, 2).history()
    found = analyse(without(history, "worker-3"))
    assert found.missing == ("No journal of worker-3: their attempts are unknown.",)
    assert not found.clients["worker-3"].noticed


def test_damaged_lines_are_said() -> None:
    history = Fleet(("full_jitter",), 10, 2).history()
    history.damage.append(Damage("worker-2", "damaged", 4, "line 7"))
    assert "worker-2" in analyse(history).missing[0]


@pytest.mark.parametrize(
    "kind", [wire.ConnectionLost, wire.Connected, wire.Connecting, wire.ConnectFailed, wire.ProcessStarted]
)
@pytest.mark.parametrize("keep", [0, 2])
def test_whatever_lines_are_missing_nothing_is_raised(kind: type[wire.Event], keep: int) -> None:
    past = healthy_herd()
    for by, lines in past.lines.items():
        past.lines[by] = [
            line for index, line in enumerate(lines) if not isinstance(line, kind) or (keep and index % keep)
        ]
    assert analyse(past.history()).clients.keys() == {"worker-1", "worker-2", "worker-3"}


def test_nothing_at_all_is_no_error() -> None:
    found = analyse(History({}))
    assert found.naming.best is None
    assert found.what_if is None


def test_a_run_without_an_outage_has_nothing_to_report() -> None:
    found = analysed(small())
    assert found.noticed == ()
    assert found.storms == ()
    assert found.what_if is None
