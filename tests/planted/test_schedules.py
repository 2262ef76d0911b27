"""Claims about the schedules in schedules/: each shows its planted defect, and breaks nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants.apply import apply
from tests.planted.catalogue import HERE, SCHEDULES, PlantedDefect, load_all
from tests.simulation.compiled import copy_sources
from tests.simulation.found_plans import load
from tests.simulation.shrink import broken_by, kind_of

TROUBLES_MAX = 3


@pytest.mark.parametrize("defect", load_all(), ids=lambda defect: defect.name)
def test_a_schedule_of_three_troubles_shows_a_planted_defect(defect: PlantedDefect, tmp_path: Path) -> None:
    path = SCHEDULES / f"{defect.name}.json"
    schedule = load(path)
    assert len(schedule.plan.troubles) <= TROUBLES_MAX
    copy_sources(tmp_path, (HERE / "__init__.py", HERE / "replay.py"))
    apply(defect.as_mutant(), tmp_path)
    replay = [sys.executable, "-B", "-m", "tests.planted.replay", str(path)]
    done = subprocess.run(replay, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    assert kind_of(done.stdout.strip()) == kind_of(schedule.breach)


@pytest.mark.parametrize("defect", load_all(), ids=lambda defect: defect.name)
def test_the_sound_cores_come_through_that_schedule(defect: PlantedDefect) -> None:
    assert broken_by(load(SCHEDULES / f"{defect.name}.json").plan) is None
