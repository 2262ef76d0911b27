"""What the checks on the lab itself say: receipts, journals, healing. None of them ever fails a run."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from driver.checks import ALWAYS, CHECKS, run_check
from driver.checks.check import Check, Params
from driver.checks.finding import Finding, Status
from driver.histories import events as driver
from driver.histories.history import Damage, History
from driver.metrics import Metrics, measure
from driver.reference import load_events
from tests.driver.judge.findings import found
from tests.driver.judge.histories import Past, healthy_herd, small
from wire import events as wire
from wire.events import Event


def with_fault(proved: bool | None = True) -> Past:
    past = Past(2)
    past.begin()
    past.fault("f-1", "latency", ["worker-1"], 10, 5, cuts=False, proved=proved)
    past.end(30)
    return past


# -- faults_were_proved ------------------------------


def test_a_fault_with_a_receipt_is_proved() -> None:
    finding = found("faults_were_proved", with_fault())
    assert finding.status is Status.passed
    assert finding.because == "the fault has a receipt as proof"


def test_all_faults_with_a_receipt_are_proved_and_counted() -> None:
    past = with_fault()
    past.fault("f-2", "latency", ["worker-2"], 20, 5, cuts=False)
    assert found("faults_were_proved", past).because == "all 2 faults have a receipt as proof"


def test_a_fault_without_a_receipt_is_unknown() -> None:
    finding = found("faults_were_proved", with_fault(proved=None))
    assert finding.status is Status.unknown
    assert "f-1" in finding.because


def test_a_receipt_without_proof_is_unknown_and_has_its_reason() -> None:
    finding = found("faults_were_proved", with_fault(proved=False))
    assert finding.status is Status.unknown
    assert "the prober saw nothing" in finding.because


def test_fewer_faults_than_planned_are_unknown() -> None:
    assert found("faults_were_proved", with_fault(), planned=2).status is Status.unknown


def test_a_fault_that_could_not_be_started_is_unknown() -> None:
    past = with_fault()
    past.emit(
        "driver",
        driver.FaultFailed,
        12,
        fault="f-2",
        kind="kill",
        targets=["worker-2"],
        detail="no such container",
    )
    finding = found("faults_were_proved", past)
    assert finding.status is Status.unknown
    assert "no such container" in finding.because


def test_a_fault_that_nothing_says_ended_is_unknown() -> None:
    past = with_fault()
    past.forget("driver", driver.FaultEnded)
    past.forget("driver", driver.Healed)
    assert found("faults_were_proved", past).status is Status.unknown


def test_a_run_that_planned_no_fault_proves_all_it_planned() -> None:
    assert found("faults_were_proved", small()).status is Status.passed


# -- journals_complete ------------------------------


def test_whole_journals_are_complete() -> None:
    assert found("journals_complete", healthy_herd()).status is Status.passed


def test_a_missing_journal_is_unknown_and_named() -> None:
    past = small()
    del past.lines["worker-2"]
    finding = found("journals_complete", past)
    assert finding.status is Status.unknown
    assert "worker-2" in finding.because


def test_a_damaged_line_is_unknown() -> None:
    history = small().history()
    history.damage.append(Damage("worker-1", "damaged", 3, "line 7: junk"))
    finding = run_check(CHECKS["journals_complete"], history, measure(history), {})
    assert finding.status is Status.unknown
    assert "3 lines" in finding.because


def test_a_last_line_that_a_kill_tore_is_reported_and_tolerated() -> None:
    history = small().history()
    history.damage.append(Damage("worker-1", "torn", 1, "line 7: junk"))
    finding = run_check(CHECKS["journals_complete"], history, measure(history), {})
    assert finding.status is Status.passed
    assert "worker-1 was torn" in finding.because


def test_a_journal_that_stops_without_a_last_line_is_unknown() -> None:
    past = small()
    past.forget("worker-1", wire.ProcessStopping)
    finding = found("journals_complete", past)
    assert finding.status is Status.unknown
    assert "worker-1" in finding.because


def test_a_journal_that_a_fault_ended_for_good_needs_no_last_line() -> None:
    past = small()
    past.forget("worker-1", wire.ProcessStopping)
    last_s = max(event.at_ns for event in past.lines["worker-1"])
    past.emit("driver", driver.FaultBegun, 20, fault="k", kind="kill", targets=["worker-1"], params=b"{}",
              planned_ns=last_s, cuts=True)  # fmt: skip
    assert found("journals_complete", past).status is Status.passed


def test_a_journal_of_a_process_that_the_engine_saw_dead_needs_no_last_line() -> None:
    past = small()
    past.forget("worker-1", wire.ProcessStopping)
    dead = {"status": "exited", "exit_code": 1, "out_of_memory": False}
    past.emit("driver", driver.FinalContainerState, 20.5, container="worker-2", **dead)
    assert found("journals_complete", past).status is Status.unknown
    past.emit("driver", driver.FinalContainerState, 20.5, container="worker-1", **dead)
    assert found("journals_complete", past).status is Status.passed


def test_no_journal_at_all_is_unknown() -> None:
    assert found("journals_complete", Past(1)).status is Status.unknown


def test_a_drivers_journal_cut_short_is_unknown() -> None:
    past = small()
    past.lines["driver"] = past.lines["driver"][:3]
    assert found("journals_complete", past).status is Status.unknown


# -- lab_was_sound ------------------------------


def test_a_lab_without_trouble_was_sound() -> None:
    assert found("lab_was_sound", healthy_herd()).status is Status.passed


TROUBLES: dict[str, tuple[type[Event], dict[str, Any]]] = {
    "aborted": (driver.Aborted, {"because": "too many tasks wait"}),
    "trouble": (driver.LabTrouble, {"what": "Toxiproxy restarted", "detail": "links rebuilt"}),
    "unanswered": (load_events.SubmitGivenUp, {"tasks": ["t-1"]}),
    "not healed": (
        driver.Healed,
        {"links": [], "containers": [], "left": ["worker-2"], "took_ms": 1.0},
    ),
    "Toxiproxy died": (
        driver.FinalContainerState,
        {"container": "toxiproxy", "status": "exited", "exit_code": 2, "out_of_memory": False},
    ),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_of_the_labs_own_is_unknown(trouble: str) -> None:
    past = healthy_herd()
    kind, fields = TROUBLES[trouble]
    past.emit("driver", kind, 63, **fields)
    assert found("lab_was_sound", past).status is Status.unknown


def test_a_dead_worker_is_no_trouble_of_the_labs_own() -> None:
    past = small()
    past.emit("driver", driver.FinalContainerState, 20.5, container="worker-1", status="exited", exit_code=1,
              out_of_memory=False)  # fmt: skip
    assert found("lab_was_sound", past).status is Status.passed


def test_a_run_that_was_stopped_by_hand_is_unknown() -> None:
    past = small()
    past.phase("timeline", 2, 5, outcome="stopped")
    assert found("lab_was_sound", past).status is Status.unknown


def test_a_run_that_never_reached_a_steady_state_is_unknown() -> None:
    past = small()
    past.phase("gate", 1.5, 2, outcome="failed")
    finding = found("lab_was_sound", past)
    assert finding.status is Status.unknown
    assert "gate" in finding.because


def test_faults_without_verified_healing_are_unknown() -> None:
    past = healthy_herd()
    past.forget("driver", driver.Healed)
    assert found("lab_was_sound", past).status is Status.unknown


# -- no_process_died ------------------------------


def test_processes_that_end_in_order_did_not_die() -> None:
    assert found("no_process_died", healthy_herd()).status is Status.passed


def test_a_coordinator_that_the_engine_saw_dead_failed() -> None:
    past = small()
    past.emit("driver", driver.FinalContainerState, 20.5, container="coordinator", status="exited",
              exit_code=137, out_of_memory=True)  # fmt: skip
    finding = found("no_process_died", past)
    assert finding.status is Status.failed
    assert "out of memory" in finding.because


def test_a_worker_that_started_again_without_a_fault_had_died() -> None:
    past = small()
    past.start("worker-1", 9)
    finding = found("no_process_died", past)
    assert finding.status is Status.failed
    assert finding.evidence[-1].text.startswith("worker-1 process_started")


def test_a_kill_of_a_run_of_before_faults_wrote_what_they_change_explains_an_end_too() -> None:
    past = small()
    past.fault("k", "kill", ["worker-1"], 8, 1)
    past.start("worker-1", 9.5)
    assert found("no_process_died", past).status is Status.passed
    past.lines["driver"] = [
        msgspec.structs.replace(event, changes=None) if isinstance(event, driver.FaultBegun) else event
        for event in past.lines["driver"]
    ]
    assert found("no_process_died", past).status is Status.passed


def test_a_worker_that_gave_up_under_a_fault_died_all_the_same() -> None:
    past = small(drained=False)
    past.fault("noise", "corrupt", ["worker-1"], 7, 3, cuts=False)
    past.emit(
        "worker-1", wire.ReconnectAbandoned, 8, reason="altered", detail="the MAC does not match the bytes"
    )
    past.end(20)
    finding = found("no_process_died", past)
    assert finding.status is Status.failed
    assert "worker-1 stopped reconnecting for good: altered" in finding.because


def test_a_worker_that_gave_up_in_the_middle_of_the_run_failed() -> None:
    past = small()
    past.emit("worker-1", wire.ProcessStopping, 9, reason="gave up")
    assert found("no_process_died", past).status is Status.failed


def test_a_worker_that_a_fault_killed_did_not_die_by_itself() -> None:
    past = small()
    past.fault("kill-1", "kill", ["worker-1"], 8, 2)
    past.start("worker-1", 9)
    assert found("no_process_died", past).status is Status.passed


def test_a_stop_that_takes_its_time_before_the_driver_can_write_of_it_is_the_faults_doing() -> None:
    past = small()
    past.lose("worker-1", 8.1, kind="stopped")
    past.emit("worker-1", wire.ProcessStopping, 8.1, reason="drained")
    past.fault("restart-1", "restart", ["worker-1"], 13, 0.1, due_s=8)
    past.start("worker-1", 12.9)
    past.connect("worker-1", 13.0)
    assert found("no_process_died", past).status is Status.passed
    assert found("workers_were_cut_off", past).status is Status.passed
    assert found("agreement_on_connected", past).status is Status.passed


def test_a_kill_of_another_worker_excuses_no_death() -> None:
    past = small()
    past.fault("kill-2", "kill", ["worker-2"], 8, 2)
    past.start("worker-1", 9)
    assert found("no_process_died", past).status is Status.failed


def test_without_any_process_it_is_unknown_whether_one_died() -> None:
    assert found("no_process_died", Past(1)).status is Status.unknown


# -- gaps in journals ------------------------------


def test_a_failure_is_unknown_where_its_proof_may_be_on_a_line_that_is_missing() -> None:
    past = small()
    past.submit("gone", 3)
    past.forget("coordinator", wire.ProcessStopping)
    finding = found("nothing_lost", past)
    assert finding.status is Status.unknown
    assert "stops without a last line" in finding.because


@pytest.mark.parametrize(("goes_on", "status"), [(True, Status.failed), (False, Status.unknown)])
def test_a_journal_is_whole_up_to_its_collection_where_its_process_ran_on(
    goes_on: bool, status: Status
) -> None:
    past = small()
    past.submit("gone", 3)
    past.forget("coordinator", wire.ProcessStopping)
    noted = {"journal": "coordinator", "lines": 1, "head": "", "size_bytes": 1, "goes_on": goes_on}
    past.emit("driver", driver.JournalNoted, 20.5, **noted)
    assert found("nothing_lost", past).status is status


def test_a_failure_holds_where_the_gap_is_in_a_journal_that_it_does_not_rest_on() -> None:
    past = small()
    past.submit("gone", 3)
    past.forget("worker-1", wire.ProcessStopping)
    assert found("nothing_lost", past).status is Status.failed


# -- all of them ------------------------------


def test_a_check_that_crashes_is_unknown_with_its_sentence() -> None:
    def crash(history: History, metrics: Metrics, params: Params) -> Finding:
        raise KeyError("worker-9")

    history = small().history()
    finding = run_check(Check("breaks", "It breaks.", crash), history, measure(history), {})
    assert finding.status is Status.unknown
    assert "KeyError" in finding.because


@pytest.mark.parametrize("name", CHECKS)
def test_no_check_passes_or_breaks_on_an_empty_history_unless_nothing_was_asked(name: str) -> None:
    finding = found(name, Past(0))
    assert "raised" not in finding.because
    if name not in ("faults_were_proved", "workers_were_cut_off", "lab_was_sound"):
        assert finding.status is Status.unknown


def test_what_every_run_is_judged_by() -> None:
    assert {"traffic_flowed", "faults_were_proved", "nothing_lost", "nothing_counted_twice"} <= set(ALWAYS)


# -- links_as_planned ------------------------------


def with_links(moment: str = "end", **changed: Any) -> Past:
    past = healthy_herd(workers=2, rounds=1)
    planned = [driver.ProxyLink(f"worker-{n}", f"[::]:2000{n}", "10.231.0.2:8765") for n in (1, 2)]
    found_links = [msgspec.structs.replace(planned[0], **changed), planned[1]] if changed else planned
    past.emit("driver", driver.LinksSeen, 60, moment=moment, planned=planned, found=found_links)
    return past


def test_links_that_are_those_of_the_plan_pass() -> None:
    assert found("links_as_planned", with_links()).status is Status.passed
    assert found("links_as_planned", with_links(listen="0.0.0.0:20001")).status is Status.passed


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"upstream": "10.231.0.2:8766"}, "link worker-1 leads to 10.231.0.2:8766"),
        ({"listen": "[::]:9"}, "link worker-1 listens on"),
        ({"enabled": False}, "link worker-1 is disabled"),
        ({"hurts": ["latency_downstream"]}, "link worker-1 still has latency_downstream"),
        ({"name": "mine"}, "link 'mine' to 10.231.0.2:8765 is not in the plan; link worker-1 is missing"),
    ],
)
def test_a_link_that_is_not_as_planned_is_unknown_and_named(changed: dict[str, Any], named: str) -> None:
    finding = found("links_as_planned", with_links(**changed))
    assert finding.status is Status.unknown
    assert named in finding.because


def test_before_they_are_healed_links_may_be_hurt_but_lead_nowhere_else() -> None:
    hurt = with_links("before_heal", enabled=False, hurts=["f-1"])
    assert found("links_as_planned", hurt).status is Status.passed
    assert found("links_as_planned", with_links("before_heal", name="mine")).status is Status.unknown


def test_a_run_with_seals_that_ends_without_a_look_at_its_links_is_unknown() -> None:
    history = with_links("before_heal").history()
    history.sealed = True
    finding = run_check(CHECKS["links_as_planned"], history, measure(history), {})
    assert finding.status is Status.unknown
