"""Claims about drawn mutants: a seed draws the same, and none where nothing can be seen."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.mutants.catchers import Caught
from tests.mutants.drawn import page, python
from tests.mutants.drawn.choice import statement_lines, steps
from tests.mutants.drawn.mutant import Mutant
from tests.mutants.drawn.places import is_inside, left_out
from tests.mutants.drawn.results import Results, Trial
from tests.mutants.drawn.rooms import ROOMS, Room
from tests.mutants.drawn.traced import TestTrace

ROOT = Path(__file__).parents[2]
FILE = "worker/reconnect.py"
SOURCE = '''
from typing import Final
LIMIT: Final = 3
def f(x: int | None = 1) -> "int | None":
    """1 + 1"""
    assert x > 1
    raise ValueError(f"{x - 1}")
'''


def draw(seed: int) -> list[Mutant]:
    return python.draw(ROOT, "worker", [FILE], 12, seed)


def test_a_seed_draws_the_same_mutants_and_another_one_draws_others() -> None:
    assert draw(1) == draw(1)
    assert {mutant.key for mutant in draw(1)} != {mutant.key for mutant in draw(2)}


def test_each_mutant_is_other_code_that_python_can_read() -> None:
    for mutant in draw(3):
        assert ast.dump(ast.parse(mutant.changed)) != ast.dump(ast.parse(mutant.original))
        assert mutant.key.startswith(f"{FILE}: ")


def test_a_change_of_one_line_leaves_what_is_drawn_of_the_others(tmp_path: Path) -> None:
    lines = [f"x{number} = {number} + a[{number}]" for number in range(30)]
    (tmp_path / "small.py").write_text("\n".join(lines))
    before = {mutant.key for mutant in python.draw(tmp_path, "w", ["small.py"], 9, 1)}
    (tmp_path / "small.py").write_text("\n".join(["import os", "", *lines]))
    assert {mutant.key for mutant in python.draw(tmp_path, "w", ["small.py"], 9, 1)} == before


def test_statements_are_left_out_too(tmp_path: Path) -> None:
    (tmp_path / "small.py").write_text(
        "def f(self):\n    self.failures += 1\n    self.tell()\n    return x\n"
    )
    drawn = [mutant for seed in range(8) for mutant in python.draw(tmp_path, "w", ["small.py"], 9, seed)]
    left = {mutant.lines() for mutant in drawn if mutant.operator == "LeaveOutStatement"}
    assert left == {("self.failures += 1", "pass"), ("self.tell()", "pass")}


def test_annotations_docstrings_asserts_and_sentences_are_left_out() -> None:
    outside = left_out(SOURCE)
    assert not is_inside(((3, 15), (3, 16)), outside), "a number in the code"
    assert is_inside(((4, 9), (4, 10)), outside), "an annotation"
    assert is_inside(((5, 8), (5, 9)), outside), "a docstring"
    assert is_inside(((6, 13), (6, 14)), outside), "an assertion"
    assert is_inside(((7, 25), (7, 26)), outside), "a sentence"


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_each_room_names_files_and_tests_that_are_there(room: Room) -> None:
    assert [glob for glob in (*room.globs, *room.tests) if not list(ROOT.glob(glob))] == []


def trial(name: str, *, caught: bool) -> Trial:
    mutant = Mutant("worker", FILE, 1, "op", "a\n", f"{name}\n")
    return Trial(mutant, Caught("seed 7", "two | leases", 1.0) if caught else None)


def test_equivalent_survivors_do_not_count_and_reasons_are_on_the_page() -> None:
    trials = [trial("b", caught=True), trial("c", caught=False), trial("d", caught=False)]
    known = {
        trials[1].mutant.key: page.Survivor(trials[1].mutant.key, "it is the same", equivalent=True),
        trials[2].mutant.key: page.Survivor(trials[2].mutant.key, "no test covers it"),
    }
    assert page.share_caught(trials, known) == 0.5
    text = page.render(trials, 3, 1, 100, known, "abc")
    assert "equivalent: it is the same" in text
    assert "| no test covers it |" in text
    assert "| worker | 3 | 0 | 1 | 1 | 1 | 50.0% |" in text
    assert "seed 7: two ¦ leases" in text


def test_go_mutants_that_do_not_compile_do_not_count() -> None:
    trials = [trial("b", caught=True), Trial(trial("c", caught=False).mutant, None, is_code=False)]
    assert page.share_caught(trials, {}) == 1.0
    assert "| worker | 2 | 1 | 1 | 0 | 0 | 100.0% |" in page.render(trials, 2, 1, 100, {}, "abc")


BRANCH = """
def f(x):
    if (x and
            x > 1):
        return 1
    return 2
"""


def test_a_line_belongs_to_its_innermost_statement_and_a_header_not_to_its_body() -> None:
    assert statement_lines(BRANCH, 5) == {5}
    assert statement_lines(BRANCH, 4) == {3, 4}
    assert statement_lines(BRANCH, 2) == {2}


def test_tests_that_run_the_line_come_first_quick_ones_before_slow_ones_and_all_others_after_them() -> None:
    mutant = Mutant("worker", FILE, 4, "op", BRANCH, BRANCH.replace("x > 1", "x > 2"))
    traces = {
        "other": TestTrace(0.1, 0.1, {FILE: [5]}),
        "slow": TestTrace(9.0, 2.0, {FILE: [3]}),
        "quick": TestTrace(0.5, 0.4, {FILE: [2, 4]}),
        "elsewhere": TestTrace(0.01, 0.0, {"worker/core.py": [4]}),
    }
    first, second = steps(mutant, traces)
    assert first == {"quick": 5.0}
    assert list(second) == ["slow", "elsewhere", "other"]


def test_a_run_that_goes_on_takes_catches_and_tries_survivors_again_once_anything_changed(
    tmp_path: Path,
) -> None:
    caught, survivor = trial("b", caught=True), trial("c", caught=False)
    before = Results(1, "state", resume=False, folder=tmp_path)
    before.keep(caught)
    before.keep(survivor)
    same = Results(1, "state", resume=True, folder=tmp_path)
    assert [same.known(each.mutant) for each in (caught, survivor)] == [caught, survivor]
    other = Results(1, "changed", resume=True, folder=tmp_path)
    assert [other.known(each.mutant) for each in (caught, survivor)] == [caught, None]
    assert Results(1, "state", resume=False, folder=tmp_path).known(caught.mutant) is None


def test_a_line_that_was_cut_short_is_no_result(tmp_path: Path) -> None:
    before = Results(1, "state", resume=False, folder=tmp_path)
    before.keep(trial("b", caught=True))
    before.file.write_bytes(before.file.read_bytes()[:-9])
    assert Results(1, "state", resume=True, folder=tmp_path).known(trial("b", caught=True).mutant) is None


def test_a_run_that_was_stopped_says_how_much_of_it_was_tried() -> None:
    text = page.render([trial("b", caught=True)], 500, 1, 100, {}, "abc")
    assert "stopped after 1 of 500 mutants" in text
    assert "seed 1: 1 mutants." in page.render([trial("b", caught=True)], 1, 1, 100, {}, "abc")


def test_a_reason_holds_while_its_line_is_the_same_and_no_longer() -> None:
    for reason in page.reasons().values():
        file, _, change = reason.mutant.partition(": ")
        source = " ".join((ROOT / file).read_text().split())
        assert " ".join(change.partition(" → ")[0].split()) in source, reason.mutant


def test_the_reasons_that_are_kept_can_be_read() -> None:
    assert all(reason.reason for reason in page.reasons().values())
