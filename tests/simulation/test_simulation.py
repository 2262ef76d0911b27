"""The claims of the session layer, under a thousand drawn histories of trouble."""

from __future__ import annotations

import pytest

from tests.simulation.compiled import COMPILED, ROOT
from tests.simulation.digest import digest_of
from tests.simulation.endurance import endure
from tests.simulation.many import run_many
from tests.simulation.plan import draw_plan
from tests.simulation.shrink import report

SEEDS = 1_000
ONCE_FAILED = (67_481, 117_044, 133_305, 133_450)
"""Of the first 140,000: three live processes of one name, and two crashes that forgot two attempts."""


def test_a_thousand_seeds_lose_nothing_double_nothing_and_come_to_an_end() -> None:
    (part,) = run_many(0, SEEDS)
    bad = part.failing
    assert part.count == SEEDS
    assert not bad, "\n".join(report(seed) for seed in bad[:2])


@pytest.mark.parametrize("seed", ONCE_FAILED)
def test_a_seed_that_failed_once_does_so_no_more(seed: int) -> None:
    assert report(seed) == ""


def test_every_module_that_is_compiled_is_there() -> None:
    named = [ROOT / room / f"{name}.py" for room, names in COMPILED.items() for name in names]
    assert [path for path in named if not path.exists()] == []


def test_a_seed_gives_the_same_history_byte_for_byte() -> None:
    assert digest_of(draw_plan(17)) == digest_of(draw_plan(17))


def test_two_seeds_give_two_histories() -> None:
    assert digest_of(draw_plan(1)) != digest_of(draw_plan(2))


def test_a_large_fleet_with_the_settings_that_ship_comes_through_minutes_of_trouble() -> None:
    assert endure(1, workers=20, hours=0.05).troubles == 18
