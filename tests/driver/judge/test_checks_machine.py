"""Delays of the driver and a machine that is too busy are reported, and are no failure of the system."""

from __future__ import annotations

import pytest

from driver.checks import CHECKS, run_check
from driver.checks.finding import Status
from driver.histories import events as driver
from driver.histories.machine_load import machine_too_busy
from driver.judging.expectations import all_findings
from driver.metrics import measure
from driver.reference import load_events
from driver.scenarios.thresholds import parse_expectations
from tests.driver.judge.findings import found, value
from tests.driver.judge.histories import Past, ns, small


def sampled(runnable: int = 2, lag_ms: float = 3.0) -> Past:
    """The small run, on a machine with this many runnable processes."""
    past = small()
    for second in range(3, 19):
        past.machine(second, runnable, lag_ms if second == 9 else 1.0)
    return past


def late_task(late_s: float) -> Past:
    """A task that was due at 3 s; the driver had it ready late, and it was done a tenth of a second later."""
    past = Past(1)
    past.begin()
    past.submit("t", 3)
    accepted = next(one for one in past.lines["driver"] if isinstance(one, load_events.TasksAccepted))
    accepted.noticed_ns.append(ns(3 + late_s))
    past.finish("t", "worker-1", past.assign("t", "worker-1", 3 + late_s + 0.01), 3 + late_s + 0.1)
    past.end(20)
    return past


def test_a_driver_in_time_is_punctual() -> None:
    finding = found("driver_was_punctual", sampled())
    assert finding.status is Status.passed
    assert "late by 3 ms at most" in finding.because


def test_a_driver_that_was_stopped_makes_the_run_inconclusive() -> None:
    finding = found("driver_was_punctual", sampled(lag_ms=8_300))
    assert finding.status is Status.unknown
    assert "late by 8.3 s with its own loop" in finding.because
    assert value("driver_lateness_max_s", sampled(lag_ms=8_300)) == 8.3


@pytest.mark.parametrize("act", [driver.FaultBegun, driver.FaultEnded])
def test_a_fault_that_the_driver_asked_for_too_late_does_so_too(
    act: type[driver.FaultBegun] | type[driver.FaultEnded],
) -> None:
    past = small(drained=False)
    past.fault("f-1", "latency", ["worker-1"], 10, 5, cuts=False)
    past.end(30)
    (line,) = (one for one in past.lines["driver"] if isinstance(one, act))
    past.forget("driver", act)
    fields = {
        name: getattr(line, name) for name in line.__struct_fields__ if name not in ("at_ns", "wall_s", "by")
    }
    past.emit("driver", act, 17, **{**fields, "called_ns": line.planned_ns + 1_700_000_000})
    finding = found("driver_was_punctual", past)
    assert finding.status is Status.unknown
    assert "late by 1.7 s with the" in finding.because


def test_what_the_driver_did_late_is_no_tasks_latency() -> None:
    assert value("task_latency_max_s", late_task(8.0)) == pytest.approx(0.1)
    finding = found("driver_was_punctual", late_task(8.0))
    assert finding.status is Status.unknown
    assert "late by 8.0 s with a task" in finding.because


def test_a_task_that_waited_for_the_system_counts_from_its_intended_start() -> None:
    past = Past(1)
    past.begin()
    past.submit("t", 3)
    past.finish("t", "worker-1", past.assign("t", "worker-1", 11), 11.1)
    past.end(20)
    assert value("task_latency_max_s", past) == pytest.approx(8.1)


def test_what_came_too_late_on_a_machine_that_was_too_busy_is_unknown_with_the_figure() -> None:
    expected = parse_expectations(["task_latency_p99 <= 1ms"])
    for runnable, status in ((2, Status.failed), (30, Status.unknown)):
        history = sampled(runnable).history()
        finding = all_findings(history, measure(history), expected)[-1]
        assert finding.status is status
    assert finding.because.startswith("this machine was too busy: 30 processes wanted to run on 2 cores")


def test_a_machine_that_was_busy_while_the_lab_started_excuses_nothing_later() -> None:
    def on_a_machine(zero_s: float) -> Past:
        past = Past(1)
        past.begin(zero_s=zero_s)
        for second in range(40):
            past.machine(second, runnable=30 if second < 15 else 2)
        past.end(40)
        return past

    assert machine_too_busy(on_a_machine(zero_s=1).history())
    assert machine_too_busy(on_a_machine(zero_s=15).history()) == ""


def test_what_was_wrong_stays_wrong_on_a_busy_machine() -> None:
    past = sampled(30)
    past.submit("gone", 3)
    assert found("nothing_lost", past).status is Status.failed


def test_what_passes_on_a_busy_machine_has_passed() -> None:
    history = sampled(30).history()
    metrics = measure(history)
    assert run_check(CHECKS["nothing_lost"], history, metrics, {}).status is Status.passed
    assert (
        run_check(CHECKS["driver_was_punctual"], history, metrics, {"at_most_s": 1}).status is Status.passed
    )
