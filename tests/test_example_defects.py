"""Claims about the defects in the code of the example systems: they fit it, and each has its scenario."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from driver.scenarios.scenario_file import load_scenario
from tests.example_defects import EXAMPLES, DefectError, ExampleDefect, Kind, Trial, load_all, page, put_into

DEFECTS = load_all()
LEAST = 40


def _name(defect: ExampleDefect) -> str:
    return str(defect)


def _example(defect: ExampleDefect, folder: Path) -> Path:
    file = folder / defect.file
    shutil.copy(EXAMPLES / defect.example / defect.file, file)
    return folder


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
def test_the_scenario_of_each_defect_passes_without_one(defect: ExampleDefect) -> None:
    loaded = load_scenario(EXAMPLES / defect.example / "scenarios" / f"{defect.scenario}.yaml")
    assert loaded.scenario.known_issues == []
    assert loaded.scenario.expect


def test_a_defect_that_fits_no_more_says_so(tmp_path: Path) -> None:
    defect = DEFECTS[0]
    _example(defect, tmp_path)
    put_into(defect, tmp_path)
    with pytest.raises(DefectError, match="occurs 0 times"):
        put_into(defect, tmp_path)


def test_a_scenario_that_fails_without_a_failed_expectation_has_not_caught_a_defect() -> None:
    assert not Trial("jobs/x", "jobs_x", "failed", (), "").is_caught
    assert not Trial("jobs/x", "jobs_x", "inconclusive", ("no row twice",), "").is_caught
    assert Trial("jobs/x", "jobs_x", "failed", ("no row twice",), "").is_caught


def test_the_page_says_which_are_missed() -> None:
    text = page(
        DEFECTS[:2], [Trial("a", "s", "failed", ("no row twice",), ""), Trial("b", "s", "passed", (), "")]
    )
    assert "1 of 2 caught" in text
    assert "**missed**: passed" in text
