"""Claims about the planted defects: each fits the code, and the arms of their search are what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.planted.catalogue import PlantedDefect, load_all
from tests.planted.page import PAGE, table
from tests.planted.states import is_deep, reached
from tests.planted.trial import ArmResult, search
from tests.simulation.compiled import COMPILED

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("defect", load_all(), ids=lambda defect: defect.name)
def test_a_planted_defect_fits_the_code_once(defect: PlantedDefect) -> None:
    assert (ROOT / defect.file).read_text().count(defect.old) == 1
    assert defect.old != defect.new


@pytest.mark.parametrize("defect", load_all(), ids=lambda defect: defect.name)
def test_a_planted_defect_is_in_a_file_that_the_build_leaves_out(defect: PlantedDefect) -> None:
    assert defect.file in [f"{room}/{name}.py" for room, names in COMPILED.items() for name in names]


def test_there_are_twenty_or_more() -> None:
    assert len(load_all()) >= 20


def test_an_arm_ends_with_its_time_and_finds_nothing_in_the_code_as_it_is() -> None:
    result = search(1, 0.2, plain=True)
    assert result.breach == ""
    assert 0.2 <= result.took_s < 30


def test_the_steered_arm_reaches_more_states_in_as_many_plans() -> None:
    steered, plain = (reached(1, 200, plain=plain) for plain in (False, True))
    assert len(steered) > len(plain)
    assert sum(map(is_deep, steered)) > sum(map(is_deep, plain))


def test_the_table_counts_what_each_arm_found() -> None:
    first, second = load_all()[:2]
    found = ArmResult(7, 1.0, "task-1 was lost", 5, 2, 1, 3.0, 20)
    shown = table({first.name: (found, ArmResult(9, 60.0)), second.name: (found, found)}, 60)
    assert "2 defects, 60 s of one core for each arm: the steered search found 2, plain draws 1." in shown
    assert "plan 7, 1 s | none of 9 | 5 → 2 troubles in 3 s | 20 of 20 |" in shown


def test_the_page_has_a_place_for_the_table() -> None:
    assert "<!-- begin planted -->" in PAGE.read_text()
