"""What the engine reported of containers: ends that no fault explains, and changes that others made."""

from __future__ import annotations

from typing import Any

import pytest

from driver.checks.finding import Finding, Status
from driver.histories import events as driver
from tests.driver.judge.findings import found
from tests.driver.judge.histories import Past, ns

AS_MADE: dict[str, Any] = {
    "status": "running", "exit_code": -1, "out_of_memory": False, "plugged": True, "cpus": None,
    "memory_bytes": 1 << 27,
}  # fmt: skip
CHANGED: dict[str, tuple[dict[str, Any], str, str]] = {
    "paused": ({"status": "paused"}, "pause", "paused"),
    "unplugged": ({"plugged": False}, "unplug", "off the network"),
    "slowed": ({"cpus": 0.05}, "cpu", "under another processor limit"),
    "squeezed": ({"memory_bytes": 32 << 20}, "memory", "under another memory limit"),
}


def watched(fault: str = "", targets: tuple[str, ...] = ("worker-1",)) -> Past:
    """Two workers, tasks, and a fault from 10 to 15 s."""
    past = Past(2)
    past.begin()
    past.flow(2, 20)
    for name in ("toxiproxy", "coordinator", "worker-1", "worker-2"):
        state(past, name, 2)
    if fault:
        past.fault("f-1", fault, targets, 10, 5, cuts=False)
    else:
        past.emit("driver", driver.Healed, 21, links=[], containers=[], left=[], took_ms=1.0)
    past.end(30)
    return past


def state(past: Past, name: str, at_s: float, **changed: Any) -> None:
    past.emit(
        "driver",
        driver.ContainerChange,
        at_s,
        container=name,
        asked_ns=ns(at_s - 0.01),
        **{**AS_MADE, **changed},
    )


def action(past: Past, name: str, at_s: float, what: str, detail: str = "") -> None:
    past.emit("driver", driver.EngineAction, at_s, container=name, action=what, detail=detail)


def exited(
    past: Past, name: str, at_s: float, *log: str, code: int = 137, out_of_memory: bool = False
) -> None:
    past.emit("driver", driver.ContainerExited, at_s, container=name, exit_code=code, planned=False,
              out_of_memory=out_of_memory, log=list(log))  # fmt: skip


def sound(past: Past) -> Finding:
    return found("lab_was_sound", past)


# -- ends of processes ------------------------------


def test_an_end_that_the_engine_reports_fails_though_no_journal_says_so() -> None:
    past = watched()
    exited(past, "coordinator", 12, "database or disk is full", code=1)
    finding = found("no_process_died", past)
    assert finding.status is Status.failed
    assert "coordinator ended at 12.0 s with exit code 1" in finding.because
    assert "its last line: database or disk is full" in finding.because


def test_a_process_that_is_down_at_the_end_is_quoted_too() -> None:
    past = watched()
    exited(past, "coordinator", 12, "database or disk is full", code=70)
    past.emit("driver", driver.FinalContainerState, 30.5, container="coordinator", status="exited",
              exit_code=70, out_of_memory=False)  # fmt: skip
    because = found("no_process_died", past).because
    assert "exit code 70" in because
    assert "its last line: database or disk is full" in because


def test_an_end_for_lack_of_memory_is_said_to_be_one() -> None:
    past = watched()
    exited(past, "worker-1", 12, out_of_memory=True)
    assert "exit code 137, out of memory" in found("no_process_died", past).because


@pytest.mark.parametrize("fault", ["kill", "stop", "restart", "memory"])
def test_a_fault_that_can_end_a_process_excuses_that_it_ended(fault: str) -> None:
    past = watched(fault)
    exited(past, "worker-1", 12)
    assert found("no_process_died", past).status is Status.passed


@pytest.mark.parametrize("fault", ["latency", "pause", "unplug", "cpu", "refuse", "no such fault"])
def test_any_other_fault_does_not(fault: str) -> None:
    past = watched(fault)
    exited(past, "worker-1", 12)
    assert found("no_process_died", past).status is Status.failed
    by_journal_alone = watched(fault)
    by_journal_alone.start("worker-1", 12)
    assert found("no_process_died", by_journal_alone).status is Status.failed


def test_a_kill_excuses_neither_another_worker_nor_another_time() -> None:
    past = watched("kill")
    exited(past, "worker-2", 12)
    assert found("no_process_died", past).status is Status.failed
    past = watched("kill")
    exited(past, "worker-1", 18)
    assert found("no_process_died", past).status is Status.failed


def test_a_kill_that_hit_some_of_its_targets_alone_is_no_crash_of_theirs() -> None:
    past = watched()
    exited(past, "worker-1", 12)
    targets = ["worker-1", "worker-2"]
    past.emit(
        "driver",
        driver.FaultFailed,
        12.5,
        fault="f-1",
        kind="kill",
        targets=targets,
        detail="no engine",
    )
    assert found("no_process_died", past).status is Status.passed
    exited(past, "coordinator", 14)
    assert found("no_process_died", past).status is Status.failed


def test_an_end_that_others_asked_the_engine_for_is_said_to_be_one() -> None:
    past = watched("latency")
    action(past, "worker-1", 11.9, "kill", "9")
    exited(past, "worker-1", 12)
    assert "another client of the engine sent it signal 9" in found("no_process_died", past).because


def test_the_labs_own_teardown_ends_no_process_before_the_time() -> None:
    past = watched()
    exited(past, "worker-1", 30.5)
    assert found("no_process_died", past).status is Status.passed


def test_a_part_of_the_lab_that_ended_spoils_the_run() -> None:
    past = watched()
    exited(past, "toxiproxy", 12, code=2)
    finding = sound(past)
    assert finding.status is Status.unknown
    assert "toxiproxy ended with exit code 2" in finding.because


# -- changes that others made ------------------------------


@pytest.mark.parametrize("change", CHANGED)
@pytest.mark.parametrize("name", ["worker-2", "coordinator", "toxiproxy"])
def test_a_change_that_no_fault_explains_spoils_the_run_and_is_named(change: str, name: str) -> None:
    fields, fault, words = CHANGED[change]
    past = watched(fault)
    state(past, name, 11, **fields)
    state(past, name, 13)
    finding = sound(past)
    assert finding.status is Status.unknown
    assert f"{name} was {words} from 11.0 s to 13.0 s" in finding.because


@pytest.mark.parametrize("change", CHANGED)
def test_a_fault_explains_its_own_change_in_its_own_time(change: str) -> None:
    fields, fault, _ = CHANGED[change]
    past = watched(fault)
    state(past, "worker-1", 10.4, **fields)
    state(past, "worker-1", 15.6)
    assert sound(past).status is Status.passed


@pytest.mark.parametrize("change", CHANGED)
def test_a_change_that_lasts_longer_than_its_fault_is_named(change: str) -> None:
    fields, fault, words = CHANGED[change]
    past = watched(fault)
    state(past, "worker-1", 10.4, **fields)
    state(past, "worker-1", 19)
    assert words in sound(past).because


@pytest.mark.parametrize(("asked_s", "status"), [(14.9, Status.passed), (16.5, Status.unknown)])
def test_an_engine_that_answers_late_makes_no_change_last_longer(asked_s: float, status: Status) -> None:
    fields, fault, _ = CHANGED["slowed"]
    past = watched(fault)
    state(past, "worker-1", 10.4, **fields)
    past.emit("driver", driver.ContainersRead, 18, asked_ns=ns(asked_s), closely=["worker-1"])
    state(past, "worker-1", 18.5)
    assert sound(past).status is status


def test_a_change_that_one_look_alone_shows_is_named() -> None:
    fields, _, words = CHANGED["slowed"]
    past = watched()
    state(past, "worker-1", 11, **fields)
    past.emit("driver", driver.ContainersRead, 11, asked_ns=ns(10.99), closely=["worker-1"])
    state(past, "worker-1", 11.5)
    assert words in sound(past).because


def test_a_change_between_two_looks_is_found_in_the_engines_events() -> None:
    past = watched()
    action(past, "worker-2", 11.1, "pause")
    action(past, "worker-2", 11.2, "unpause")
    assert "worker-2 was paused" in sound(past).because
    past = watched()
    action(past, "worker-2", 11.1, "disconnect", "links")
    action(past, "worker-2", 11.2, "connect", "links")
    assert "worker-2 was off the network" in sound(past).because


def test_a_container_that_ends_leaves_its_networks_by_itself() -> None:
    past = watched("kill")
    action(past, "worker-1", 10.0, "kill", "9")
    action(past, "worker-1", 10.1, "disconnect", "links")
    action(past, "worker-1", 10.12, "die", "137")
    action(past, "worker-1", 15.1, "connect", "links")
    action(past, "worker-1", 15.4, "start")
    assert sound(past).status is Status.passed


def test_a_container_that_its_engine_restarts_is_off_its_networks_by_itself() -> None:
    past = watched()
    state(past, "worker-2", 11, status="restarting", plugged=False)
    state(past, "worker-2", 13)
    assert sound(past).status is Status.passed


def test_what_the_teardown_changes_is_no_disturbance() -> None:
    past = watched()
    state(past, "worker-2", 30.4, plugged=False)
    assert sound(past).status is Status.passed
