"""Defects that a cheap test catches within a second or two: all of them are."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.mutants.apply import load
from tests.mutants.catalogue import CATALOGUE
from tests.mutants.catchers import Caught, is_dear
from tests.mutants.trial import attempt_fast, control

FAST = tuple(name for name in CATALOGUE if not all(is_dear(test) for test in load(name).tests))
JOBS = 2


@pytest.fixture(scope="module")
def caught() -> dict[str, Caught | None]:
    """What caught each, all tried two at a time."""
    with ThreadPoolExecutor(JOBS) as pool:
        return dict(zip(FAST, pool.map(attempt_fast, map(load, FAST)), strict=True))


@pytest.mark.parametrize("name", FAST)
def test_a_defect_is_caught(name: str, caught: dict[str, Caught | None]) -> None:
    assert caught[name] is not None, f"{name} survives: {load(name).wrong}"


def test_the_code_without_a_defect_passes_the_same_tests() -> None:
    assert control(map(load, FAST), fast=True) is None
