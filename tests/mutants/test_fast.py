"""Defects that a cheap test catches within a second or two: all of them are."""

from __future__ import annotations

import pytest

from tests.mutants.apply import load
from tests.mutants.catalogue import CATALOGUE
from tests.mutants.catchers import Caught
from tests.mutants.trial import attempt_fast, control, is_fast

DEFECTS = {name: defect for name in CATALOGUE if is_fast(defect := load(name))}
JOBS = 2


@pytest.fixture(scope="module")
def caught() -> dict[str, Caught | None]:
    """What caught each, all tried two at a time."""
    return dict(zip(DEFECTS, attempt_fast([*DEFECTS.values()], JOBS), strict=True))


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_caught(name: str, caught: dict[str, Caught | None]) -> None:
    assert caught[name] is not None, f"{name} survives: {DEFECTS[name].wrong}"


def test_the_code_without_a_defect_passes_the_same_tests() -> None:
    assert control(DEFECTS.values(), fast=True) is None
