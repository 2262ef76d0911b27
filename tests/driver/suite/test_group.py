"""A group of runs: which runs a matrix gives, in which order, and what they say together."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from driver.errors import InterruptedCommandError
from driver.exit_codes import ExitCode
from driver.judging.verdict import RunOutcome
from driver.results.group_file import (
    GROUP,
    GroupRun,
    last_verdicts,
    overall,
    read_group,
    save_group,
    summed_up,
)
from driver.results.run_folder import VERDICT, VerdictFile
from driver.runs.group_run import PlannedRun, interleave, plan_all, run_all
from driver.scenarios.scenario_file import Overrides, load_scenario

SCENARIO = """# The cap decides how long the herd takes.
workers: 2
duration: 20s
matrix: {cap: [100, 200]}
repeat: 2
worker: {cap_ms: "${cap}"}
timeline:
  - {fault: refuse, targets: all, at: 5s, for: 2s}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "caps.yaml"
    file.write_text(SCENARIO)
    return file


def planned(
    path: Path, variables: dict[str, object] | None = None, repeat: int | None = None
) -> list[PlannedRun]:
    overrides = Overrides(variables=variables or {})
    return plan_all(path, load_scenario(path, overrides), overrides, repeat, seed=7)


def ended(verdict: RunOutcome, label: str = "cap=100", round_: int = 1) -> GroupRun:
    return GroupRun(
        label=label, round=round_, seed=7, variables={}, folder="run", verdict=verdict, because="so"
    )


def test_cells_run_in_turn_and_every_round_has_the_next_seed() -> None:
    turns = interleave([{"cap": 1}, {"cap": 2}], 2, 7, "caps")
    assert [(turn.label, turn.round, turn.seed) for turn in turns] == [
        ("cap=1", 1, 7),
        ("cap=2", 1, 7),
        ("cap=1", 2, 8),
        ("cap=2", 2, 8),
    ]


def test_every_cells_value_reaches_its_plan(path: Path) -> None:
    assert [one.plan.client_settings["cap_ms"] for one in planned(path)] == [100, 200, 100, 200]


def test_a_variable_that_is_set_leaves_one_cell(path: Path) -> None:
    assert [one.plan.client_settings["cap_ms"] for one in planned(path, {"cap": 50}, repeat=1)] == [50]


def test_a_group_is_as_bad_as_its_worst_run() -> None:
    runs = [ended(RunOutcome.passed), ended(RunOutcome.inconclusive), ended(RunOutcome.failed, "cap=200")]
    verdict, because, code = overall(runs, 3)
    assert (verdict, code) == (RunOutcome.failed, ExitCode.FAILED)
    assert "cap=200" in because


def test_a_group_that_was_cut_short_decides_nothing() -> None:
    assert overall([ended(RunOutcome.passed)], 2)[0] is RunOutcome.inconclusive


def test_a_whole_group_of_passed_runs_passes() -> None:
    assert overall([ended(RunOutcome.passed), ended(RunOutcome.passed)], 2)[0] is RunOutcome.passed


@pytest.mark.parametrize("raises", [False, True])
def test_a_stop_ends_the_group_and_what_ran_is_saved(path: Path, raises: bool) -> None:
    saved: list[int] = []

    def perform(this: PlannedRun) -> tuple[GroupRun, bool]:
        if raises and this.repetition.label == "cap=200":
            raise InterruptedCommandError("Stopped.")
        return ended(RunOutcome.inconclusive, this.repetition.label), this.repetition.label == "cap=200"

    runs = run_all(planned(path), perform, lambda runs: saved.append(len(runs)), lambda line: None)
    assert [run.label for run in runs] == ["cap=100"] + ([] if raises else ["cap=200"])
    assert saved[-1] == len(runs)


def test_the_groups_file_reads_back(tmp_path: Path) -> None:
    group = summed_up(tmp_path, "caps", [ended(RunOutcome.passed)], 1)
    save_group(tmp_path, group)
    assert read_group(tmp_path) == group
    (tmp_path / GROUP).write_text("{")
    assert read_group(tmp_path) is None


def test_the_last_verdict_of_a_scenario_is_the_newest_of_its_runs_and_groups(tmp_path: Path) -> None:
    def stored_run(name: str, verdict: str) -> None:
        scenario = name.partition("Z-")[2]
        file = VerdictFile(
            run=name, scenario=scenario, verdict=verdict, because="", exit_code=0, findings=[], notes=[],
            metrics={},
        )  # fmt: skip
        (tmp_path / name).mkdir()
        (tmp_path / name / VERDICT).write_bytes(msgspec.json.encode(file))

    stored_run("20261101T000000Z-herd", "passed")
    stored_run("20261103T000000Z-herd", "failed")
    stored_run("20261101T000000Z-caps", "passed")
    (tmp_path / "20261104T000000Z-herd").mkdir()
    group = tmp_path / "20261102T000000Z-caps"
    group.mkdir()
    save_group(group, summed_up(group, "caps", [], 2))
    found = {name: (str(last.verdict), last.run) for name, last in last_verdicts(tmp_path).items()}
    assert found == {
        "herd": ("failed", "20261103T000000Z-herd"),
        "caps": ("inconclusive", "20261102T000000Z-caps"),
    }
