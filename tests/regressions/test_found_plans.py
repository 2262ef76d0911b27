"""Plans that a search of the simulation found: what broke then breaks no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulation.found_plans import FOLDER, load
from tests.simulation.shrink import broken_by


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_a_plan_that_was_found_breaks_nothing(path: Path) -> None:
    found = broken_by(load(path).plan)
    assert found is None, found[0]
