"""The steady state before the faults, and the convergence after them: all workers back, all work done."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from driver.errors import NotReadyError
from driver.reference.steady_state import wait_converged, wait_drained, wait_ready
from driver.runs.phase import PhaseEnd
from wire.control import CoordinatorState, TaskCounts


@dataclass
class States:
    """States in order: missing workers, tasks completed, tasks open; the last one is repeated."""

    says: Sequence[tuple[Sequence[str], int, int]]
    looked: int = field(default=0)

    @property
    def state(self) -> CoordinatorState:
        _, completed, still_open = self.says[min(self.looked, len(self.says) - 1)]
        counts = TaskCounts(completed + still_open, completed, 0, still_open, 0)
        return CoordinatorState(1, 0, False, counts, {}, [], {})

    async def poll(self) -> CoordinatorState:
        self.looked += 1
        return self.state

    def disconnected(self) -> list[str]:
        missing = list(self.says[min(self.looked, len(self.says) - 1)][0])
        self.looked += 1
        return missing


@dataclass
class Load:
    finished: bool = True


async def test_a_steady_state_passes_the_gate_on_time() -> None:
    assert await wait_ready(States([([], 5, 0)]), time.monotonic_ns() + 20_000_000, traffic=True) < 0.05


async def test_a_late_steady_state_moves_the_timeline_by_as_much() -> None:
    late_s = await wait_ready(
        States([(["worker-1"], 5, 0)] * 5 + [([], 5, 0)]), time.monotonic_ns(), traffic=True
    )
    assert late_s > 0


@pytest.mark.parametrize(
    ("says", "why"),
    [((["worker-1"], 5, 0), "not connected: worker-1"), (([], 0, 3), "no task was completed")],
)
async def test_no_steady_state_ends_the_run_before_its_first_fault(
    says: tuple[list[str], int, int], why: str
) -> None:
    with pytest.raises(NotReadyError, match=why):
        await wait_ready(States([says]), time.monotonic_ns(), traffic=True, grace_s=0.05)


async def test_a_run_without_a_load_needs_no_finished_task() -> None:
    await wait_ready(States([([], 0, 0)]), time.monotonic_ns(), traffic=False)


async def test_convergence_waits_for_all_workers() -> None:
    ending = PhaseEnd()
    await wait_converged(States([(["worker-1"], 0, 0)] * 6 + [([], 0, 0)]), 5.0, ending)
    assert ending.outcome == "done"


async def test_a_worker_that_does_not_come_back_is_named_and_left_to_the_verdict() -> None:
    ending = PhaseEnd()
    await wait_converged(States([(["worker-2"], 0, 0)]), 0.05, ending)
    assert ending.outcome == "failed"
    assert "worker-2" in ending.detail


async def test_a_drain_waits_for_the_last_task_and_for_the_load() -> None:
    ending = PhaseEnd()
    await wait_drained(States([([], 0, 3)] * 3 + [([], 3, 0)]), Load(), 5.0, ending)
    assert ending.outcome == "done"
    await wait_drained(States([([], 3, 0)]), Load(finished=False), 0.05, ending)
    assert ending.outcome == "failed"


async def test_tasks_that_stay_open_are_counted_and_left_to_the_verdict() -> None:
    ending = PhaseEnd()
    await wait_drained(States([([], 0, 3)]), Load(), 0.05, ending)
    assert (ending.outcome, ending.detail) == ("failed", "after 0 s still open: 3 tasks")
