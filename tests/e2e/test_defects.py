"""Systems with a defect, built for the test, that no run may pass: the cheapest of tests/defects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.defects.defect import lab_defect
from tests.defects.images import built
from tests.e2e.conftest import ROOT, SHORT_HERD, CommandLine, docker

SHORT_LEAVE = Path(__file__).with_name("short_leave.yaml")


@pytest.fixture
def sabotaged(lab: CommandLine, request: pytest.FixtureRequest) -> Iterator[CommandLine]:
    """A lab that is made of images with the defect that the test names."""
    images = built(lab_defect(request.param), ROOT)
    lab.environment |= images
    yield lab
    lab("down")
    docker("image", "rm", "--force", *images.values())


@pytest.mark.parametrize("sabotaged", ["worker_repeats_work"], indirect=True)
def test_a_worker_that_repeats_work_fails(sabotaged: CommandLine) -> None:
    _fails(sabotaged, SHORT_HERD, "no_work_repeated")


@pytest.mark.parametrize("sabotaged", ["worker_leaves_at_once"], indirect=True)
def test_a_worker_that_leaves_without_a_word_fails(sabotaged: CommandLine) -> None:
    _fails(sabotaged, SHORT_LEAVE, "left_in_order")


def test_workers_that_leave_in_order_pass(lab: CommandLine) -> None:
    done = lab.decided("scenario", str(SHORT_LEAVE), "--seed", "7")
    assert done.returncode == 0, done.stdout + done.stderr


def _fails(lab: CommandLine, scenario: Path, check: str) -> None:
    done = lab.decided("scenario", str(scenario), "--seed", "7")
    assert done.returncode == 1, done.stdout + done.stderr
    failed = [finding["check"] for finding in lab.verdict()["findings"] if finding["status"] == "failed"]
    assert check in failed
