"""Waits fail as soon as their conditions cannot hold any more, and say what is missing."""

from __future__ import annotations

import pytest

from driver.errors import NotReadyError
from driver.reference.labs.lab import Lab
from driver.reference.labs.readiness import ReadinessWait, disconnected
from tests.driver.fakes import SPEC, FakeEngine, FakeLinks
from wire.control import CoordinatorState, TaskCounts, WorkerState


def lab(**statuses: str) -> Lab:
    return Lab(
        FakeEngine({name.replace("_", "-"): status for name, status in statuses.items()}), SPEC, FakeLinks()
    )


def test_workers_that_are_lost_or_unknown_are_disconnected() -> None:
    workers = [
        WorkerState(name, state, "s", 0, 0, 1, 0)
        for name, state in (("worker-1", "connected"), ("worker-2", "lost"))
    ]
    state = CoordinatorState(1, 0, False, TaskCounts(0, 0, 0, 0, 0), {}, workers, {})
    assert disconnected(state, ["worker-1", "worker-2", "worker-3"]) == ["worker-2", "worker-3"]


async def test_a_process_that_ended_ends_the_wait_with_the_end_of_its_log() -> None:
    wait = ReadinessWait(lab(worker_1="exited", worker_2="running"), limit_s=30.0, check_every_s=0.0)
    with pytest.raises(NotReadyError, match=r"worker-1 ended with exit code 1(.|\n)*worker-1 said something"):
        await wait.tick(["worker-1", "worker-2"], "Workers not connected")


async def test_a_deadline_names_the_missing_workers() -> None:
    wait = ReadinessWait(lab(worker_1="running"), limit_s=0.0)
    with pytest.raises(NotReadyError, match="Workers not connected after 0 s: worker-1"):
        await wait.tick(["worker-1"], "Workers not connected")
