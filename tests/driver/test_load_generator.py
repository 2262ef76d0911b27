"""The load: open-loop, the same ids until answered, and bounded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from driver.histories.driver_journal import DriverJournal
from driver.reference.errors import CoordinatorError
from driver.reference.load_generator import LoadGenerator
from tests.driver.fakes import events_in
from tests.waiting import eventually
from wire.control import RefusedTask, SubmissionReply, TaskSpec


class FakeSubmitter:
    """Accepts every task after `failures` failures, but for the ids in `refuses`."""

    def __init__(self, failures: int = 0, refuses: tuple[str, ...] = ()) -> None:
        self.failures = failures
        self.refuses = refuses
        self.seen: list[list[str]] = []

    async def submit(self, tasks: list[TaskSpec]) -> SubmissionReply:
        self.seen.append([task.task_id for task in tasks])
        if self.failures:
            self.failures -= 1
            raise CoordinatorError("The coordinator does not answer.")
        refused = [RefusedTask(task.task_id, "full") for task in tasks if task.task_id in self.refuses]
        return SubmissionReply(accepted=len(tasks) - len(refused), known=0, refused=refused)


def tasks(*due_s: float) -> Iterator[tuple[float, TaskSpec]]:
    return iter([(at_s, TaskSpec(task_id=f"t{number}", kind="noop")) for number, at_s in enumerate(due_s, 1)])


async def run(
    tmp_path: Path, coordinator: FakeSubmitter, *due_s: float, give_up_s: float = 30.0
) -> list[dict[str, Any]]:
    journal = DriverJournal(tmp_path)
    load = LoadGenerator(coordinator, journal.write, tasks(*due_s), give_up_s)
    await load.run(time.monotonic_ns())
    journal.close()
    assert load.finished
    return events_in(tmp_path)


async def test_every_task_is_handed_in_once(tmp_path: Path) -> None:
    events = await run(tmp_path, FakeSubmitter(), 0.0, 0.0, 0.05)
    accepted = [task for event in events for task in event["tasks"]]
    assert {event["event"] for event in events} == {"tasks_accepted"}
    assert accepted == ["t1", "t2", "t3"]


async def test_a_task_waits_for_its_time(tmp_path: Path) -> None:
    began = time.monotonic()
    await run(tmp_path, FakeSubmitter(), 0.3)
    assert time.monotonic() - began >= 0.3


async def test_a_batch_without_an_answer_goes_again_under_the_same_ids(tmp_path: Path) -> None:
    coordinator = FakeSubmitter(failures=2)
    events = await run(tmp_path, coordinator, 0.0, 0.0)
    assert coordinator.seen == [["t1", "t2"]] * 3
    assert [event["event"] for event in events] == ["submit_failed", "submit_failed", "tasks_accepted"]


async def test_what_is_due_does_not_wait_for_an_answer_to_what_was(tmp_path: Path) -> None:
    coordinator = FakeSubmitter(failures=1)
    await run(tmp_path, coordinator, 0.0, 0.03)
    assert ["t2"] in coordinator.seen[:2]


async def test_refused_tasks_are_journaled_and_not_sent_again(tmp_path: Path) -> None:
    coordinator = FakeSubmitter(refuses=("t2",))
    events = await run(tmp_path, coordinator, 0.0, 0.0)
    assert coordinator.seen == [["t1", "t2"]]
    assert [event["tasks"] for event in events if event["event"] == "tasks_refused"] == [["t2"]]


async def test_a_coordinator_that_never_answers_is_given_up_in_the_end(tmp_path: Path) -> None:
    events = await run(tmp_path, FakeSubmitter(failures=10**6), 0.0, give_up_s=0.2)
    assert events[-1]["event"] == "submit_given_up"
    assert events[-1]["tasks"] == ["t1"]


async def test_a_load_without_tasks_ends_at_once(tmp_path: Path) -> None:
    assert await run(tmp_path, FakeSubmitter()) == []


async def test_after_its_end_no_further_task_is_handed_in(tmp_path: Path) -> None:
    journal, coordinator = DriverJournal(tmp_path), FakeSubmitter()
    load = LoadGenerator(coordinator, journal.write, tasks(0.0, 0.05, 30.0), 60.0)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(load.run(time.monotonic_ns()))
        await eventually(lambda: sum(map(len, coordinator.seen)) == 2, "both tasks are handed in")
        assert not running.done()
        load.end()
    assert load.finished
    assert [task for batch in coordinator.seen for task in batch] == ["t1", "t2"]
    journal.close()


class NeverAnswers(FakeSubmitter):
    """Takes every batch and answers none."""

    async def submit(self, tasks: list[TaskSpec]) -> SubmissionReply:
        self.seen.append([task.task_id for task in tasks])
        await asyncio.Event().wait()
        raise AssertionError("unreachable")


async def test_a_task_that_was_due_has_no_outcome_before_its_answer(tmp_path: Path) -> None:
    journal, now_ns = DriverJournal(tmp_path), time.monotonic_ns()
    later = iter([(0.0, TaskSpec(task_id="t1", kind="noop", intended_ns=now_ns))])
    coordinator = NeverAnswers()
    load = LoadGenerator(coordinator, journal.write, later, 60.0)
    running = asyncio.create_task(load.run(now_ns))
    await eventually(lambda: coordinator.seen, "the task is handed in")
    assert load.is_answered(now_ns - 1)
    assert not load.is_answered(now_ns)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    journal.close()
