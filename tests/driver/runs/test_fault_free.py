"""A run without faults comes first: what fails in it needs no fault, and makes the run inconclusive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from driver.checks.finding import Finding, Status, failed, passed, unknown
from driver.histories.history import EMPTY
from driver.judging.expectations import Question
from driver.judging.verdict import KnownFailure, RunOutcome, judge
from driver.metrics import Metrics
from driver.results.judged_run import (
    FAULT_FREE,
    JudgedRun,
    against_fault_free,
    as_fault_free,
    declared_on_busy_machine,
)
from driver.results.run_folder import FaultFreeRun, RecordedSystem, RunRecord
from driver.runs import fault_free
from driver.runs.run_request import RunRequest
from driver.scenarios.plan import Plan, PlannedFault, PlannedSystem
from driver.terminal import Terminal
from tests.driver.judge.histories import small

LOST = "every acknowledged orders.key in stored.id"
FINDINGS = [passed("traffic_flowed", "x"), passed("faults_were_proved", "x"), failed(LOST, "two are lost")]
SYSTEM = RecordedSystem(name="jobs", files=["compose.yaml"], services={"web": 1}, links=[])


def record(plain: FaultFreeRun | None, **changed: Any) -> RunRecord:
    more = {"controls": True, "system": SYSTEM, "planned_faults": 1, **changed}
    return RunRecord(
        run="r", scenario="s", seed=1, clients=[], processes=[], duration_s=60, fault_free=plain, **more
    )


def outcome(findings: list[Finding]) -> tuple[RunOutcome, str]:
    verdict = judge(findings)
    return verdict.verdict, verdict.because


def test_what_fails_without_a_fault_too_makes_the_run_inconclusive_and_is_named() -> None:
    found = against_fault_free(record(FaultFreeRun("r-0", [LOST])), FINDINGS)
    verdict, because = outcome(found)
    assert verdict is RunOutcome.inconclusive
    assert because.startswith(f"{LOST}: it fails without any fault too (r-0). two are lost")


def test_what_fails_under_the_faults_alone_is_a_failure() -> None:
    found = against_fault_free(record(FaultFreeRun("r-0")), FINDINGS)
    assert outcome(found)[0] is RunOutcome.failed
    assert found[-1].check == FAULT_FREE
    assert found[-1].status is Status.passed


def test_a_run_whose_run_without_faults_is_missing_is_inconclusive() -> None:
    assert outcome(against_fault_free(record(None), FINDINGS[:2]))[0] is RunOutcome.inconclusive


@pytest.mark.parametrize("changed", [{"controls": False}, {"system": None}, {"planned_faults": 0}])
def test_without_controls_a_system_or_a_fault_none_is_asked_for(changed: dict[str, Any]) -> None:
    assert against_fault_free(record(None, **changed), FINDINGS) == FINDINGS


def plan(**changed: Any) -> Plan:
    fault = PlannedFault(
        id="f-1", entry="f-1", fault="refuse", params={}, targets=("web->db",), at_s=10, for_s=5, seed=1
    )
    system = PlannedSystem(name="jobs", files=("/compose.yaml",), services={"web": 1}, links=("web->db",))
    more = {"faults": (fault,), "system": system, "controls": True, "expect": (LOST,), **changed}
    return Plan(scenario="s", claim="c", seed=1, workers=0, duration_s=60, warmup_s=5, converge_s=30, **more)


class Ran:
    """What was run, in order; each run is judged as `verdicts` say."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        self.requests: list[RunRequest] = []
        self.subjects: list[object] = []
        self.folder = tmp_path
        monkeypatch.setattr(fault_free, "run", self.run)
        monkeypatch.setattr(fault_free, "was_interrupted", lambda judged: False)

    async def run(self, request: RunRequest, subject: object, terminal: Terminal) -> JudgedRun:
        self.requests.append(request)
        self.subjects.append(subject)
        ended = record(None, controls=False)
        return JudgedRun(self.folder, ended, EMPTY, Metrics({}, {}), judge(FINDINGS))


def test_the_plan_without_faults_is_run_first_and_what_failed_in_it_is_recorded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran = Ran(monkeypatch, tmp_path)
    with Terminal() as terminal:
        fault_free.run_with_controls(RunRequest(plan(), "", tmp_path), lambda one: one, terminal)  # type: ignore[arg-type, return-value]
    first, second = ran.requests
    assert (first.goes_on, second.goes_on) == (False, False)
    assert ran.subjects == [first.plan, second.plan]
    assert (first.plan.faults, first.plan.duration_s, first.plan.controls) == ((), 15.0, False)
    assert first.plan.expect == second.plan.expect
    assert first.plan.seed != second.plan.seed == plan().seed
    assert second.plan.faults
    assert second.fault_free == FaultFreeRun("r", [LOST], held=["traffic_flowed", "faults_were_proved"])


@pytest.mark.parametrize("changed", [{"controls": False}, {"faults": ()}, {"system": None}])
def test_a_plan_that_needs_no_run_without_faults_is_run_once(
    changed: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran = Ran(monkeypatch, tmp_path)
    with Terminal() as terminal:
        fault_free.run_with_controls(RunRequest(plan(**changed), "", tmp_path), lambda _: None, terminal)  # type: ignore[arg-type, return-value]
    assert len(ran.requests) == 1


def test_after_an_interrupted_run_without_faults_there_is_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran = Ran(monkeypatch, tmp_path)
    monkeypatch.setattr(fault_free, "was_interrupted", lambda judged: True)
    with Terminal() as terminal:
        fault_free.run_with_controls(RunRequest(plan(), "", tmp_path), lambda one: one, terminal)  # type: ignore[arg-type, return-value]
    assert [bool(one.plan.faults) for one in ran.requests] == [False]


def test_a_run_without_faults_that_shows_nothing_makes_the_run_inconclusive() -> None:
    unsound = [unknown("lab_was_sound", "x"), unknown("no_starvation", "x"), passed("traffic_flowed", "x")]
    judged = JudgedRun(Path(), record(None, controls=False), EMPTY, Metrics({}, {}), judge(unsound))
    plain = as_fault_free(judged)
    assert plain == FaultFreeRun("r", [], ["lab_was_sound"], ["traffic_flowed"])
    found = against_fault_free(record(plain), FINDINGS[:2])
    verdict, because = outcome(found)
    assert verdict is RunOutcome.inconclusive
    assert "the run without faults shows nothing: lab_was_sound unknown (r)" in because


def busy_run(declared: bool, before_per_core: float, held: bool = True, steal_ratio: float = 0.0) -> Finding:
    """The finding of a failure while 15 processes for each core wanted to run, after a run without faults."""
    past = small()
    for second in range(30):
        past.machine(second, runnable=30, steal_ratio=steal_ratio)
    text = "nothing_lost"
    plain = FaultFreeRun("r-0", held=[text] if held else [], runnable_per_core=before_per_core)
    ended = record(plain, known_issues=[KnownFailure(text, "it is known")] if declared else [])
    asked = Question(text, lambda history, metrics: failed(text, "two are lost"), lambda _, found: found)
    (found,) = declared_on_busy_machine(
        ended, past.history(), Metrics({}, {}), [asked], [unknown(text, "too busy")]
    )
    return found


def test_a_declared_failure_is_one_on_a_machine_that_was_as_busy_when_it_held_without_faults() -> None:
    assert busy_run(declared=True, before_per_core=8.0) == failed("nothing_lost", "two are lost")


@pytest.mark.parametrize(
    ("declared", "before_per_core", "held"), [(False, 8.0, True), (True, 7.0, True), (True, 8.0, False)]
)
def test_a_busy_machine_may_be_the_reason_for_any_other_failure(
    declared: bool, before_per_core: float, held: bool
) -> None:
    assert busy_run(declared, before_per_core, held).status is Status.unknown


def test_other_machines_that_took_the_processor_are_no_load_that_the_run_without_faults_had() -> None:
    found = busy_run(declared=True, before_per_core=8.0, steal_ratio=0.5)
    assert found.status is Status.unknown
