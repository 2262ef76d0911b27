"""The suite: what it runs, what ends it, and what all of it together says."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from driver.cli import scenario_system
from driver.errors import LabError, UsageError
from driver.exit_codes import ExitCode
from driver.suite import runner
from driver.suite.child_process import ProcessExit, StopSignals
from driver.suite.commands import SLACK_S, Flags
from driver.suite.entry import TESTS, EntryOutcome, EntryResult, overall, select
from driver.suite.lanes import run_busy_again, run_entries
from driver.suite.runner import EntryRunner, limit_s
from driver.systems import system_kinds
from driver.systems.system_request import project_of
from driver.terminal import Terminal
from tests.driver.fakes import FakeEngine
from tests.waiting import LIMIT_S

SCENARIOS = ["flood", "herd", "soak"]


ON_A_SYSTEM = """# All is well.
system: compose.yaml
duration: 60s
converge: 20s
timeline:
  - {fault: refuse, targets: a->b, at: 9s, for: 3s}
"""


def ended(name: str, outcome: EntryOutcome = EntryOutcome.passed) -> EntryResult:
    return EntryResult(name=name, outcome=outcome, because="as told")


def outcomes(results: list[EntryResult]) -> list[EntryOutcome]:
    return [one.outcome for one in results]


def test_without_only_the_tests_come_first_and_then_every_scenario() -> None:
    assert select([], SCENARIOS) == [TESTS, *SCENARIOS]


def test_only_keeps_the_suites_own_order() -> None:
    assert select(["soak", "flood"], SCENARIOS) == ["flood", "soak"]


def test_only_scenarios_leaves_the_tests_out() -> None:
    assert select(["scenarios"], SCENARIOS) == SCENARIOS


def test_an_unknown_entry_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageError) as refused:
        select(["hard"], SCENARIOS)
    assert "herd" in refused.value.hint


def test_an_entry_that_decides_nothing_does_not_end_the_suite() -> None:
    results = run_entries(
        ["flood", "herd"],
        lambda name: ended(name, EntryOutcome.inconclusive if name == "flood" else EntryOutcome.passed),
        lambda: False,
        lambda results: None,
    )
    assert outcomes(results) == [EntryOutcome.inconclusive, EntryOutcome.passed]


@pytest.mark.parametrize("bad", [EntryOutcome.failed, EntryOutcome.inconclusive])
def test_fail_fast_ends_the_suite_with_the_first_unexpected_entry(bad: EntryOutcome) -> None:
    results = run_entries(
        SCENARIOS,
        lambda name: ended(name, bad if name == "herd" else EntryOutcome.expected_failure),
        lambda: False,
        lambda results: None,
        fail_fast=True,
    )
    assert outcomes(results) == [EntryOutcome.expected_failure, bad, EntryOutcome.not_run]
    assert "--fail-fast" in results[-1].because


def test_a_stop_keeps_what_ran_and_names_what_did_not() -> None:
    ran: list[str] = []

    def perform(name: str) -> EntryResult:
        ran.append(name)
        return ended(name)

    results = run_entries(SCENARIOS, perform, lambda: len(ran) == 1, lambda results: None)
    assert ran == ["flood"]
    assert outcomes(results) == [EntryOutcome.passed, EntryOutcome.not_run, EntryOutcome.not_run]
    assert "stopped" in results[-1].because


def test_every_result_is_reported_as_soon_as_it_is_there() -> None:
    told: list[int] = []
    run_entries(SCENARIOS, ended, lambda: False, lambda results: told.append(len(results)))
    assert told == [1, 2, 3]


def test_one_failure_fails_the_suite_whatever_else_there_is() -> None:
    verdict, because, code = overall(
        [ended("herd", EntryOutcome.failed), ended("flood", EntryOutcome.inconclusive)]
    )
    assert (verdict, code) == (EntryOutcome.failed, ExitCode.FAILED)
    assert "herd" in because
    assert "flood" not in because


@pytest.mark.parametrize("undecided", [EntryOutcome.inconclusive, EntryOutcome.not_run])
def test_without_a_failure_what_is_undecided_makes_the_suite_inconclusive(undecided: EntryOutcome) -> None:
    verdict, because, code = overall([ended("herd"), ended("flood", undecided)])
    assert (verdict, code) == (EntryOutcome.inconclusive, ExitCode.INCONCLUSIVE)
    assert "flood" in because


def test_expected_failures_and_skipped_tests_are_nothing_unexpected() -> None:
    results = [
        ended(TESTS, EntryOutcome.skipped),
        ended("herd"),
        ended("flood", EntryOutcome.expected_failure),
    ]
    verdict, because, code = overall(results)
    assert (verdict, code) == (EntryOutcome.passed, ExitCode.PASSED)
    assert because == "1 of 2 passed, 1 failed as declared"


def test_a_suite_that_skipped_everything_passed_nothing() -> None:
    assert overall([ended(TESTS, EntryOutcome.skipped)])[0] is EntryOutcome.inconclusive


def killed_entry(
    file: Path, down: list[Path], monkeypatch: pytest.MonkeyPatch, error: LabError | None = None
) -> EntryResult:
    """The result of a scenario whose process is killed; `down` gets the files that are taken down."""

    def take_down(scenario: Path) -> None:
        down.append(scenario)
        if error is not None:
            raise error

    monkeypatch.setattr(runner, "run_child", lambda *rest, **more: ProcessExit(-9, None, ""))
    flags = Flags(
        quick=False, controls=True, host="127.0.0.1", port=None, project="p", seed=None, log_level="info",
        results="results",
    )  # fmt: skip
    with Terminal() as terminal:
        one = EntryRunner(
            file.parent, flags, FakeEngine(), StopSignals(terminal.info), terminal, lambda name, line: None,
            -1, {"own": file}, take_down,
        )  # fmt: skip
        return one.run("own")


def scenario_file(folder: Path, text: str = ON_A_SYSTEM) -> Path:
    (folder / "compose.yaml").write_text("services: {}\n")
    file = folder / "own.yaml"
    file.write_text(text)
    return file


def test_after_a_killed_scenario_its_system_is_taken_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    down: list[Path] = []
    file = scenario_file(tmp_path)
    assert killed_entry(file, down, monkeypatch).outcome is EntryOutcome.inconclusive
    assert down == [file]


def test_a_system_that_could_not_be_taken_down_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = killed_entry(scenario_file(tmp_path), [], monkeypatch, LabError("web does not end."))
    assert found.because.endswith("(It could not be taken down: web does not end.)")


@pytest.mark.parametrize(
    ("text", "systems"), [(ON_A_SYSTEM, 1), ("# All is well.\nworkers: 2\nduration: 60s\n", 0), ("- x", 0)]
)
def test_the_system_that_is_taken_down_is_that_of_the_scenario(
    text: str, systems: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []

    class Lab:
        def __init__(self, project: str, *more: object) -> None:
            self._project = project

        def down(self) -> None:
            taken.append(self._project)

    monkeypatch.setattr(system_kinds, "SystemLab", Lab)
    with Terminal() as terminal:
        scenario_system.take_down_system(scenario_file(tmp_path, text), terminal)
    assert taken == [project_of(tmp_path / "compose.yaml")] * systems


def test_the_run_without_faults_has_a_time_limit_of_its_own(tmp_path: Path) -> None:
    file = str(scenario_file(tmp_path))
    alone_s, both_s = (limit_s(file, quick=False, controls=controls) for controls in (False, True))
    assert both_s - SLACK_S == 2 * (alone_s - SLACK_S)


class Together:
    """Runs entries, each until as many others as `beside` began with it, and notes which ran together."""

    def __init__(self, beside: int = 0) -> None:
        self.lock = threading.Lock()
        self.met = threading.Barrier(beside + 1)
        self.running: list[str] = []
        self.seen: set[frozenset[str]] = set()

    def run(self, name: str) -> EntryResult:
        with self.lock:
            self.running.append(name)
            self.seen.add(frozenset(self.running))
        self.met.wait(LIMIT_S)
        with self.lock:
            self.seen.add(frozenset(self.running))
            self.running.remove(name)
        return ended(name)


def test_entries_of_different_systems_run_side_by_side_and_their_results_stay_in_order() -> None:
    together = Together(beside=1)
    names = ["a1", "a2", "b1", "b2"]
    results = run_entries(names, together.run, lambda: False, lambda _: None, at_once=2, uses=lambda n: n[0])
    assert [one.name for one in results] == names
    assert any(len(some) == 2 for some in together.seen)
    assert max(map(len, together.seen)) == 2
    assert not {frozenset({"a1", "a2"}), frozenset({"b1", "b2"})} & together.seen


def test_beside_an_entry_that_uses_the_whole_machine_no_other_one_runs() -> None:
    together = Together()
    names = ["a", "lab", "b"]
    uses = {"a": "a", "lab": "", "b": "b"}
    results = run_entries(
        names, together.run, lambda: False, lambda _: None, at_once=3, uses=uses.__getitem__
    )
    assert [one.name for one in results] == names
    assert {some for some in together.seen if "lab" in some} == {frozenset({"lab"})}


def test_what_a_busy_machine_left_undecided_runs_once_more_and_alone() -> None:
    first = [
        ended("flood", EntryOutcome.inconclusive),
        EntryResult(name="herd", outcome=EntryOutcome.inconclusive, because="too busy", busy=True),
        ended("soak"),
    ]
    told: list[str] = []
    results = run_busy_again(first, ended, lambda: False, lambda some: told.append(some[-1].name))
    assert outcomes(results) == [EntryOutcome.inconclusive, EntryOutcome.passed, EntryOutcome.passed]
    assert [one.name for one in results] == SCENARIOS
    assert told == ["herd"]


def test_a_stopped_suite_runs_nothing_again() -> None:
    busy = [EntryResult(name="herd", outcome=EntryOutcome.inconclusive, because="too busy", busy=True)]
    assert run_busy_again(busy, ended, lambda: True, lambda some: None) == busy
