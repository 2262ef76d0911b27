"""Claims about the defects in the code of the example systems: they fit it, and each has its scenario."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest
from msgspec import structs

from driver.scenarios.scenario_file import load_scenario
from tests.example_defects.defect import EXAMPLES, DefectError, ExampleDefect, Kind, load_all, put_into
from tests.example_defects.page import LEAST, is_enough, page
from tests.example_defects.results import Results
from tests.example_defects.trial import Planned, Trial, mended_scenarios, planned

DEFECTS = load_all()


def _name(defect: ExampleDefect) -> str:
    return str(defect)


def _example(defect: ExampleDefect, folder: Path) -> Path:
    file = folder / defect.file
    shutil.copy(EXAMPLES / defect.example / defect.file, file)
    return folder


def _caught(defect: ExampleDefect) -> Trial:
    return Trial("failed", (defect.check,), "")


def test_there_are_defects_of_each_kind() -> None:
    assert len(DEFECTS) >= LEAST
    assert set(Counter(one.kind for one in DEFECTS)) == set(Kind)


@pytest.mark.parametrize("defect", DEFECTS, ids=_name)
def test_each_defect_fits_its_example_and_leaves_it_code(defect: ExampleDefect, tmp_path: Path) -> None:
    file = _example(defect, tmp_path) / defect.file
    put_into(defect, tmp_path)
    changed = file.read_text()
    assert changed != (EXAMPLES / defect.example / defect.file).read_text()
    if defect.file.endswith(".py"):
        compile(changed, defect.file, "exec")


@pytest.mark.parametrize("defect", DEFECTS, ids=_name)
def test_the_scenario_of_each_defect_passes_without_one_and_has_its_check(defect: ExampleDefect) -> None:
    loaded = load_scenario(EXAMPLES / defect.example / "scenarios" / f"{defect.scenario}.yaml")
    assert loaded.scenario.known_issues == []
    assert defect.check in loaded.scenario.expect


def test_a_defect_that_fits_no_more_says_so(tmp_path: Path) -> None:
    defect = DEFECTS[0]
    _example(defect, tmp_path)
    put_into(defect, tmp_path)
    with pytest.raises(DefectError, match="occurs 0 times"):
        put_into(defect, tmp_path)


def test_a_defect_is_caught_where_the_run_failed_by_the_check_that_is_meant_for_it() -> None:
    defect = DEFECTS[0]
    assert Trial("failed", ("no_process_died", defect.check), "").catches(defect)
    assert not Trial("failed", (), "").catches(defect)
    assert not Trial("failed", ("no_process_died",), "").catches(defect)
    assert not Trial("inconclusive", (defect.check,), "").catches(defect)


def test_each_mended_scenario_is_run_without_a_defect_before_one_is_run_twice() -> None:
    count = len(mended_scenarios()) + 2
    turns = [run.turn for run in planned([], count)]
    assert turns == [1] * len(mended_scenarios()) + [2, 2]


def test_a_result_counts_until_the_code_of_its_example_changes(tmp_path: Path) -> None:
    defect = DEFECTS[0]
    run, changed = (
        Planned(one.example, one.scenario, one) for one in (defect, structs.replace(defect, new="\npass\n"))
    )
    results = Results(tmp_path / "kept.jsonl")
    assert results.known(run) is None
    results.keep(run, _caught(defect))
    assert Results(tmp_path / "kept.jsonl").known(run) == _caught(defect)
    assert results.known(changed) is None


def test_the_page_says_which_are_missed_and_which_healthy_runs_did_not_pass() -> None:
    first, second = DEFECTS[:2]
    healthy = [Planned(first.example, "s", turn=turn) for turn in (1, 2)]
    text = page(
        {
            Planned(first.example, "s", first): _caught(first),
            Planned(second.example, "s", second): Trial("passed", (), "all held"),
            healthy[0]: Trial("passed", (), ""),
            healthy[1]: Trial("inconclusive", (), "a busy machine"),
        }
    )
    assert "1 of 2 caught" in text
    assert "**missed** (passed): all held" in text
    assert "2 runs; 1 passed, 1 inconclusive, 0 failed" in text


def test_the_page_says_which_were_not_run() -> None:
    first, second = DEFECTS[:2]
    text = page({Planned(one.example, "s", one): None for one in (first, second)})
    assert "0 of 2 caught; 2 were not run." in text
    assert text.count("| not run |") == 2


def test_a_defect_that_is_missed_without_a_reason_and_a_healthy_run_that_fails_are_not_enough() -> None:
    caught = {Planned(one.example, one.scenario, one): _caught(one) for one in DEFECTS}
    healthy = Planned("jobs", "s", turn=1)
    assert is_enough({**caught, healthy: Trial("inconclusive", (), "")})
    assert not is_enough({**caught, healthy: Trial("failed", ("no row twice",), "")})
    one = DEFECTS[0]
    passed = Trial("passed", (), "")
    assert not is_enough({**caught, Planned(one.example, one.scenario, one): passed})
    explained = structs.replace(one, missed="nothing reads it")
    rest = {run: trial for run, trial in caught.items() if run.defect is not one}
    assert is_enough({**rest, Planned(one.example, one.scenario, explained): passed})
    few = dict(list(caught.items())[: LEAST - 1])
    misses = {
        Planned(one.example, one.scenario, structs.replace(one, missed="none")): passed for one in DEFECTS
    }
    assert not is_enough({**few, **misses})
