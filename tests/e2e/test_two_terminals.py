"""Two commands at once on one lab: one of them is refused by name, or waits; neither breaks the other."""

from __future__ import annotations

import json

from tests.e2e.conftest import CommandLine
from tests.two_terminals import CHANGES, DOWN_FORCE, UP_2, UP_3, Pair, drawn, run_pairs

SEED, PAIRS = 8, 2


def test_pairs_that_a_seed_draws_leave_a_lab_that_status_describes_truly(lab: CommandLine) -> None:
    for told in run_pairs(lab, list(drawn(SEED, PAIRS, CHANGES, killed_share=0.0))):
        print(told)
    assert lab("down").returncode == 0
    assert lab.leftovers() == []


def test_a_second_up_is_refused_and_the_first_comes_up(lab: CommandLine) -> None:
    (told,) = run_pairs(lab, [Pair(UP_2, UP_3, later_s=1.0)])
    assert "up --workers 3 → 64, is in use by up" in told
    assert len(json.loads(lab("status", "--json").stdout)["links"]) == 2


def test_down_with_force_ends_an_up_and_leaves_nothing(lab: CommandLine) -> None:
    (told,) = run_pairs(lab, [Pair(UP_2, DOWN_FORCE, later_s=2.0)])
    assert "up --workers 2 → 2" in told
    assert lab.leftovers() == []
