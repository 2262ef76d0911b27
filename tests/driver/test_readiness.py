"""Waits fail as soon as they cannot come true, and say what was seen."""

from __future__ import annotations

import pytest

from driver.errors import NotReadyError
from driver.labs import readiness
from driver.labs.lab import Lab
from driver.labs.readiness import Watch, away, named
from tests.driver.fakes import SPEC, FakeEngine, FakeLinks
from wire.control import CoordinatorState, TaskCounts, WorkerState


def lab(**statuses: str) -> Lab:
    return Lab(
        FakeEngine({name.replace("_", "-"): status for name, status in statuses.items()}), SPEC, FakeLinks()
    )


def test_only_connected_workers_are_here() -> None:
    workers = [
        WorkerState(name, state, "s", 0, 0, 1, 0)
        for name, state in (("worker-1", "connected"), ("worker-2", "lost"))
    ]
    state = CoordinatorState(1, 0, False, TaskCounts(0, 0, 0, 0, 0), {}, workers, {})
    assert away(state, ["worker-1", "worker-2", "worker-3"]) == ["worker-2", "worker-3"]


def test_many_names_are_cut_short() -> None:
    assert named(["a", "b"]) == "a, b"
    assert named([str(number) for number in range(20)]) == "0, 1, 2, 3, 4, … (20 in all)"


async def test_a_process_that_ended_ends_the_wait_with_its_last_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(readiness, "LOOK_EVERY_S", 0.0)
    watch = Watch(lab(worker_1="exited", worker_2="running"), limit_s=30.0)
    with pytest.raises(NotReadyError, match=r"worker-1 ended with exit code 1(.|\n)*worker-1 said something"):
        await watch.tick(["worker-1", "worker-2"], "Workers not connected")


async def test_a_deadline_names_who_is_missing() -> None:
    watch = Watch(lab(worker_1="running"), limit_s=0.0)
    with pytest.raises(NotReadyError, match="Workers not connected after 0 s: worker-1"):
        await watch.tick(["worker-1"], "Workers not connected")
