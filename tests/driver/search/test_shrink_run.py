"""Claims about the reduction of a stored run: the same finding, its probability, the scenario left."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver.errors import UsageError
from driver.scenarios.plan import PlannedFault
from driver.scenarios.resolve import resolve
from driver.scenarios.scenario_file import load_scenario
from driver.search.finding_key import FindingKey
from driver.search.schedule import Schedule, ScheduledFault
from driver.search.schedule_plan import schedule_of
from driver.search.search_run import Trialist
from driver.search.shrink_report import write_shrink_report
from driver.search.shrink_run import NotRepeatedError, Shrink, finding_of, left_out, write_scenario
from tests.driver.search.fake_system import FakeSystem, Rule, scenario

WHOLE = Schedule(
    (
        ScheduledFault("latency", ("worker-1", "worker-3"), 1.4, 2.6, {"mean": "230ms"}),
        ScheduledFault("kill", ("worker-1", "worker-2"), 2.3, 1.7),
        ScheduledFault("stall", ("worker-3",), 4.3, 1.1),
    ),
    8.0,
    3,
)
KEY = FindingKey("no_process_died", ("worker",))


def killed(faults: tuple[PlannedFault, ...], run: int) -> str:
    return (
        "worker-2 ended" if any(one.fault == "kill" and "worker-2" in one.targets for one in faults) else ""
    )


def shrink_of(
    folder: Path, rule: Rule, repeat: int = 1, budget_s: float = 10_000.0
) -> tuple[Shrink, FakeSystem]:
    system, runs = FakeSystem(rule), folder / "runs"
    runs.mkdir()
    trials = Trialist(scenario(), None, system, runs, ())
    shrink = Shrink(
        run_folder=folder / "run", key=KEY, whole=WHOLE, trials=trials, folder=folder, repeat=repeat,
        budget_s=budget_s, settle_s=10.0, settle_full_s=30.0, seed=1, from_s=1.0, say=lambda line: None,
        now_s=system.now_s,
    )  # fmt: skip
    return shrink, system


def test_what_is_left_is_one_simple_fault_and_a_scenario(tmp_path: Path) -> None:
    shrink, _ = shrink_of(tmp_path, killed)
    result = shrink.run()
    (left,) = result.left.faults
    assert (left.fault, left.targets, left.at_s) == ("kill", ("worker-2",), 1.0)
    assert (result.left.clients, result.left.duration_s) == (2, 3.0)
    assert str(result.again) == "1 of 1"
    assert result.ended == "nothing smaller shows it"
    path = tmp_path / "scenario.yaml"
    write_scenario(shrink, result, path)
    plan = resolve(load_scenario(path), seed=1)
    assert schedule_of(plan) == result.left
    assert plan.converge_s == 30.0
    assert plan.claim.startswith("no_process_died (worker) fails")
    gone = left_out(WHOLE, result.left)
    assert [text.partition(" ")[0] for text in gone[:3]] == ["latency", "kill", "stall"]
    html = write_shrink_report(shrink, result, "python lab.py scenario", tmp_path).read_text()
    assert "kill worker-2" in html
    assert "latency mean=230ms" in html


def test_a_finding_that_never_comes_back_is_refused_with_its_count(tmp_path: Path) -> None:
    shrink, _ = shrink_of(tmp_path, lambda faults, run: "", repeat=4)
    with pytest.raises(NotRepeatedError, match="came back in 0 of 4 runs"):
        shrink.run()


def test_another_finding_of_the_same_run_is_not_kept(tmp_path: Path) -> None:
    def either(faults: tuple[PlannedFault, ...], run: int) -> str:
        return killed(faults, run) or ("coordinator ended" if faults else "")

    shrink, _ = shrink_of(tmp_path, either)
    assert [one.fault for one in shrink.run().left.faults] == ["kill"]


def test_an_outcome_that_is_not_certain_is_judged_by_its_share(tmp_path: Path) -> None:
    def sometimes(faults: tuple[PlannedFault, ...], run: int) -> str:
        return killed(faults, run) if run % 3 else ""

    shrink, _ = shrink_of(tmp_path, sometimes, repeat=6)
    result = shrink.run()
    assert str(result.whole_outcome) == "4 of 6"
    assert [one.fault for one in result.left.faults] == ["kill"]
    assert 0 < result.again.probability < 1


def test_a_reduction_that_is_out_of_time_has_what_it_kept(tmp_path: Path) -> None:
    shrink, _ = shrink_of(tmp_path, killed, budget_s=60.0)
    result = shrink.run()
    assert result.ended == "the budget is used up"
    assert len(result.left.faults) <= len(WHOLE.faults)
    assert len((tmp_path / "steps.jsonl").read_text().splitlines()) == result.steps


def test_an_interrupted_reduction_has_what_it_kept(tmp_path: Path) -> None:
    def interrupted(faults: tuple[PlannedFault, ...], run: int) -> str:
        if run == 5:
            raise KeyboardInterrupt
        return killed(faults, run)

    result = shrink_of(tmp_path, interrupted)[0].run()
    assert result.ended == "interrupted"
    assert result.steps == 3


def test_the_finding_of_a_run_is_the_one_that_is_asked_for(tmp_path: Path) -> None:
    shrink, _ = shrink_of(tmp_path, killed)
    folder = shrink.trials.run(WHOLE, 10.0, 1).folder
    names = shrink.trials.names
    assert finding_of(folder, None, names) == finding_of(folder, "no_process_died", names) == KEY
    with pytest.raises(UsageError, match=r"those are: no_process_died \(worker\)"):
        finding_of(folder, "traffic_flowed", names)
    with pytest.raises(UsageError, match="has no verdict"):
        finding_of(tmp_path, None, names)
