"""The defects are all listed, and all still fit the code."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.mutants.apply import DEFECTS, Defect, DefectError, apply, load
from tests.mutants.catalogue import CATALOGUE
from tests.mutants.catchers import is_go

ROOT = Path(__file__).parents[2]


def _with_its_file(defect: Defect, folder: Path) -> Path:
    copy = folder / defect.file
    copy.parent.mkdir(parents=True)
    shutil.copy(ROOT / defect.file, copy)
    return copy


def test_every_defect_is_in_the_catalogue_once() -> None:
    assert sorted(CATALOGUE) == sorted(path.stem for path in DEFECTS.glob("*.toml"))


@pytest.mark.parametrize("name", CATALOGUE)
def test_each_defect_still_fits_the_code_and_leaves_it_code(name: str, tmp_path: Path) -> None:
    defect = load(name)
    copy = _with_its_file(defect, tmp_path)
    apply(defect, tmp_path)
    changed = copy.read_text()
    assert changed != (ROOT / defect.file).read_text()
    if defect.file.endswith(".py"):
        compile(changed, defect.file, "exec")


@pytest.mark.parametrize("name", CATALOGUE)
def test_each_test_that_catches_a_defect_exists(name: str) -> None:
    defect = load(name)
    missing = [one for one in defect.tests if not is_go(defect) and not _exists(one)]
    assert missing == []


def _exists(test: str) -> bool:
    file, _, function = test.partition("[")[0].partition("::")
    path = ROOT / file
    return path.is_file() and (not function or f"def {function}(" in path.read_text())


def test_a_defect_that_fits_no_more_says_so(tmp_path: Path) -> None:
    defect = load(CATALOGUE[0])
    _with_its_file(defect, tmp_path)
    apply(defect, tmp_path)
    with pytest.raises(DefectError, match="occurs 0 times"):
        apply(defect, tmp_path)


def test_an_unknown_defect_is_answered_with_where_it_was_looked_for() -> None:
    with pytest.raises(DefectError, match=r"no defect 'nonsense'"):
        load("nonsense")
