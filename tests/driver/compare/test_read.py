"""From folders to groups: what is compared with what, what is refused, and what is missing is said."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from driver.compare.build import compared, report_on
from driver.compare.core import Group, Sample, compare, conclusive
from driver.compare.markdown import as_markdown
from driver.compare.rank import rank
from driver.compare.read import by_kind, cells_under, read_sample, runs_under
from driver.errors import UsageError
from driver.exit_codes import ExitCode
from driver.histories.events import LoadEndedEarly
from driver.judging.verdict import RunOutcome
from driver.results.group_file import GroupRun, save_group, summed_up
from driver.results.judged_run import judge_run
from tests.driver.compare.herds import herd
from tests.driver.judge.histories import healthy_herd


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return stored(tmp_path / "20261124T021500Z-herd")


def stored(folder: Path) -> Path:
    healthy_herd().write(folder, ["task_success_rate >= 90%"], planned_faults=2)
    judge_run(folder)
    return folder


def test_a_stored_run_is_read_with_its_workers_apart(run: Path) -> None:
    sample = read_sample(run)
    assert sample.verdict == "passed"
    assert set(sample.by_client["reconnection_time_mean_s"]) == {"worker-1", "worker-2", "worker-3"}
    whole = sample.values["reconnection_time_mean_s"]
    found = sample.by_client["reconnection_time_mean_s"].values()
    assert sum(found) / 3 == pytest.approx(whole)
    assert sample.missing == []


def test_a_run_compared_with_itself_differs_in_nothing(run: Path) -> None:
    report = report_on({"a": [run], "b": [run]}, tolerance=0.1)
    assert report.comparisons[0].differences
    assert not report.comparisons[0].real
    assert report.exit_code == ExitCode.INCONCLUSIVE


def test_a_run_without_a_history_is_compared_by_its_metrics_and_that_is_said(run: Path) -> None:
    for journal in (run / "journals").glob("*.jsonl"):
        journal.unlink()
    sample = read_sample(run)
    assert sample.values["task_success_rate"] == 1.0
    assert "no history" in sample.missing[0]
    report = report_on({"a": [run] * 3, "b": [run] * 3}, tolerance=0.1)
    assert "no history" in as_markdown(report)


def test_loads_that_ended_at_other_times_are_said(run: Path, tmp_path: Path) -> None:
    assert read_sample(run).early_s == 0
    past = healthy_herd()
    past.emit("driver", LoadEndedEarly, 50, early_s=9.5)
    early = past.write(tmp_path / "early", planned_faults=2)
    judge_run(early)
    assert read_sample(early).early_s == 9.5
    assert "a 0.0 to 0.0 s; b 9.5 to 9.5 s before" in as_markdown(report_on({"a": [run], "b": [early]}, 0.1))
    assert "planned end" not in as_markdown(report_on({"a": [early], "b": [early]}, 0.1))


def test_a_damaged_journal_is_said_at_the_top(run: Path) -> None:
    journal = run / "journals" / "coordinator.jsonl"
    journal.write_bytes(b'{"event": 7}\n{\n' + journal.read_bytes())
    assert "damaged" in read_sample(run).missing[0]


@pytest.mark.parametrize("other", [{"scenario": "flood"}, {"duration_s": 120.0}])
def test_runs_of_another_scenario_or_duration_are_refused_with_both_named(other: dict[str, object]) -> None:
    with pytest.raises(UsageError) as refused:
        by_kind({"a": [herd(1)], "b": [msgspec.structs.replace(herd(2), **other)]})
    assert "herd for 45 s" in refused.value.sentence
    assert str(next(iter(other.values()))).removesuffix(".0") in refused.value.sentence


def test_of_many_scenarios_each_is_compared_with_its_own_and_the_rest_is_named() -> None:
    kinds, notes = by_kind(
        {"a": [herd(1), herd(2, scenario="flood")], "b": [herd(3), herd(4, scenario="soak")]}
    )
    assert [[group.kind[0] for group in groups] for groups in kinds] == [["herd", "herd"]]
    assert any("flood" in note for note in notes)
    assert any("soak" in note for note in notes)


def test_the_cells_of_a_matrix_are_compared_each_with_its_own() -> None:
    def side(first: int) -> list[Sample]:
        return [
            msgspec.structs.replace(herd(first + place), variables=f"policy={policy}")
            for place, policy in enumerate(("fixed", "slotted"))
        ]

    kinds, notes = by_kind({"a": side(0), "b": side(10)})
    assert [groups[0].kind[0] for groups in kinds] == ["herd (policy=fixed)", "herd (policy=slotted)"]
    assert notes == []


def test_two_cells_that_are_named_as_two_sides_are_compared_with_each_other() -> None:
    fixed, slotted = (msgspec.structs.replace(herd(seed), variables=f"policy={seed}") for seed in (1, 2))
    assert len(by_kind({"a": [fixed], "b": [slotted]})[0]) == 1


def test_a_failure_that_was_none_before_is_a_regression() -> None:
    report = compared([[Group("a", [herd(1)]), Group("b", [herd(1, verdict="failed")])]], [], 0.1)
    assert report.exit_code == 1
    assert report.comparisons[0].regressions == ["verdict"]


def test_what_failed_before_as_well_is_no_regression() -> None:
    before, after = (Group(name, [herd(1, verdict="failed")]) for name in "ab")
    assert compare(before, after, 0.1).regressions == []


def test_inconclusive_runs_are_left_out_as_long_as_others_are_there() -> None:
    kept, notes = conclusive([herd(1), herd(2, verdict="inconclusive")])
    assert [one.name for one in kept] == ["run-1"]
    assert "left out" in notes[0]
    assert len(conclusive([herd(2, verdict="inconclusive")])[0]) == 1


def test_other_settings_are_reported() -> None:
    notes = compare(Group("a", [herd(1, 0.4)]), Group("b", [herd(2, 0.8)]), 0.1).notes
    assert any("worker.cap_ms 400 → 800" in note for note in notes)


def test_cells_are_ranked_and_those_that_are_alike_share_the_first_rank() -> None:
    groups = [
        Group(name, [herd(seed, cap) for seed in range(first, first + 4)])
        for name, cap, first in (("long", 3.2, 0), ("short", 0.4, 10), ("short too", 0.4, 20))
    ]
    ranking = rank(groups)
    assert ranking.metric == "back_after_heal_mean_s"
    assert {place.name: place.rank for place in ranking.places} == {"short": 1, "short too": 1, "long": 3}
    for place in ranking.places:
        assert place.low is not None
        assert place.high is not None
        assert place.low < place.mean < place.high


def test_a_ranking_names_what_has_no_number_for_it() -> None:
    bare = msgspec.structs.replace(herd(1), by_client={}, values={})
    assert rank([Group("a", [herd(2)]), Group("b", [herd(3)]), Group("c", [bare])]).left_out == ["c"]


def test_a_groups_folder_gives_its_cells(tmp_path: Path) -> None:
    runs = [
        GroupRun(
            label=label, round=1, seed=1, variables={}, folder=stored(tmp_path / name).name,
            verdict=RunOutcome.passed, because="so",
        )
        for label, name in (("cap=1", "one"), ("cap=2", "two"))
    ]  # fmt: skip
    save_group(tmp_path, summed_up(tmp_path, "herd", runs, 2))
    assert cells_under(tmp_path) == {"cap=1": [tmp_path / "one"], "cap=2": [tmp_path / "two"]}
    assert runs_under(tmp_path) == [tmp_path / "one", tmp_path / "two"]


def test_a_suites_folder_gives_the_runs_that_it_lists(tmp_path: Path, run: Path) -> None:
    suite = tmp_path / "20261124T021400Z-suite"
    suite.mkdir()
    (suite / "summary.json").write_text(
        json.dumps({"results": [{"run": run.name}, {"run": ""}, {"run": "gone"}]})
    )
    assert runs_under(suite) == [run]


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        runs_under(tmp_path)


def test_names_with_markup_stay_in_their_cells() -> None:
    def hostile(seed: int) -> Sample:
        return herd(seed, name="<img src=x>", scenario="a|b<script>")

    groups = [Group("a|<b>", [hostile(1)]), Group("c", [hostile(2)])]
    text = as_markdown(compared([groups], ["<i>note</i>"], 0.1))
    assert "<script>" not in text
    assert "<i>" not in text
