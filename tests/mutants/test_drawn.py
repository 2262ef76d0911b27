"""Claims about drawn mutants: a seed draws the same, and none where nothing can be seen."""

from __future__ import annotations

import ast
import random
from pathlib import Path

from tests.mutants.catchers import Caught
from tests.mutants.drawn import page, python
from tests.mutants.drawn.mutant import Mutant
from tests.mutants.drawn.places import is_inside, left_out
from tests.mutants.drawn.trial import Trial

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
    return python.draw(ROOT, "worker", [FILE], 12, random.Random(seed))


def test_a_seed_draws_the_same_mutants_and_another_one_draws_others() -> None:
    assert draw(1) == draw(1)
    assert {mutant.key for mutant in draw(1)} != {mutant.key for mutant in draw(2)}


def test_each_mutant_is_other_code_that_python_can_read() -> None:
    for mutant in draw(3):
        assert ast.dump(ast.parse(mutant.changed)) != ast.dump(ast.parse(mutant.original))
        assert mutant.key.startswith(f"{FILE}: ")


def test_statements_are_left_out_too(tmp_path: Path) -> None:
    (tmp_path / "small.py").write_text(
        "def f(self):\n    self.failures += 1\n    self.tell()\n    return x\n"
    )
    drawn = [
        mutant
        for seed in range(8)
        for mutant in python.draw(tmp_path, "w", ["small.py"], 9, random.Random(seed))
    ]
    left = {mutant.lines() for mutant in drawn if mutant.operator == "LeaveOutStatement"}
    assert left == {("self.failures += 1", "pass"), ("self.tell()", "pass")}


def test_annotations_docstrings_asserts_and_sentences_are_left_out() -> None:
    outside = left_out(SOURCE)
    assert not is_inside(((3, 15), (3, 16)), outside), "a number in the code"
    assert is_inside(((4, 9), (4, 10)), outside), "an annotation"
    assert is_inside(((5, 8), (5, 9)), outside), "a docstring"
    assert is_inside(((6, 13), (6, 14)), outside), "an assertion"
    assert is_inside(((7, 25), (7, 26)), outside), "a sentence"


def trial(name: str, *, caught: bool) -> Trial:
    mutant = Mutant("worker", FILE, 1, "op", "a\n", f"{name}\n")
    return Trial(mutant, Caught("seed 7", "two | leases", 1.0) if caught else None)


def test_equivalent_survivors_do_not_count_and_reasons_stand_on_the_page() -> None:
    trials = [trial("b", caught=True), trial("c", caught=False), trial("d", caught=False)]
    known = {
        trials[1].mutant.key: page.Survivor(trials[1].mutant.key, "it is the same", equivalent=True),
        trials[2].mutant.key: page.Survivor(trials[2].mutant.key, "nobody looks"),
    }
    assert page.share_caught(trials, known) == 0.5
    told = page.render(trials, 1, 60.0, 100, known, "abc")
    assert "equivalent: it is the same" in told
    assert "| nobody looks |" in told
    assert "1 of 3 caught, 1 survivors are equivalent: 50.0 %" in told.replace("50.0%", "50.0 %")
    assert "seed 7: two ¦ leases" in told


def test_the_reasons_that_are_kept_can_be_read() -> None:
    assert all(reason.reason for reason in page.reasons().values())
