"""Claims about when a system that starts is ready."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from driver.systems.readiness import Readiness
from driver.systems.replicas import DoorReplica, Replica


def api(state: str = "running", health: str = "", exit_code: int | None = None, restarts: int = 0) -> Replica:
    return Replica("api", 1, "id", state, health, exit_code, "", restarts)


@pytest.mark.parametrize(
    "one", [api(health="healthy"), api("exited", exit_code=0)], ids=["healthy", "ended with 0"]
)
def test_a_healthy_container_and_a_job_that_is_done_are_ready_at_once(one: Replica) -> None:
    assert Readiness().waiting([one], 0) == []


@pytest.mark.parametrize(
    ("looks", "ready"),
    [
        ([(0, api())], False),
        ([(0, api()), (1.9, api())], False),
        ([(0, api()), (2, api())], True),
        ([(0, api()), (1, api("restarting")), (2, api()), (3.9, api())], False),
        ([(0, api()), (2, api(restarts=1)), (11.9, api(restarts=1))], False),
        ([(0, api()), (2, api(restarts=1)), (12, api(restarts=1))], True),
        ([(0, api(restarts=1)), (6, api(restarts=2)), (11, api(restarts=2))], False),
    ],
    ids=[
        "just started", "too short", "long enough", "down between", "restarted", "up since its restart",
        "restarted again",
    ],
)  # fmt: skip
def test_without_a_health_check_a_container_must_stay_up(
    looks: Sequence[tuple[float, Replica]], ready: bool
) -> None:
    readiness = Readiness()
    answers = [readiness.waiting([one], now_s) for now_s, one in looks]
    assert (answers[-1] == []) == ready


@pytest.mark.parametrize("one", [api("created"), api("restarting"), api(health="starting")])
def test_what_does_not_run_yet_is_waited_for(one: Replica) -> None:
    assert Readiness().waiting([one], 100) == [one]


def test_doors_are_waited_for() -> None:
    starting = DoorReplica("db", 1, "id", "running", "starting", None, "")
    assert Readiness().waiting([api(health="healthy"), starting], 100) == [starting]
