"""Claims about the session between the real coordinator and real workers, while either side or the link
fails.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import time

import pytest

from tests.integration.processes import CoordinatorProcess, Relay, check_acknowledged, check_books
from tests.waiting import eventually
from tests.worker.process import WorkerProcess

# Quick enough for a test, and patient enough for a machine that has other things to do.
BRISK = {"heartbeat_interval_ms": 400, "heartbeat_timeout_ms": 1_600, "lease_ms": 3_000, "grace_ms": 3_000}
PATIENT = BRISK | {"lease_ms": 30_000, "grace_ms": 30_000}


async def connections(worker: WorkerProcess, count: int) -> None:
    """Wait until the worker was connected that often."""
    await eventually(lambda: len(worker.journal("connected")) >= count, f"{worker.name}: {count} connections")


async def losses(process: WorkerProcess | CoordinatorProcess, count: int) -> None:
    """Wait until the process recorded that many lost connections."""
    await eventually(lambda: len(process.journal("lost", "worker_lost")) >= count, f"{count} losses")


async def work_behind_a_checkpoint() -> None:
    """Let an attempt make some steps that no checkpoint has."""
    await asyncio.sleep(0.2)


async def test_tasks_flow_and_every_one_counts_once() -> None:
    async with CoordinatorProcess() as coordinator, WorkerProcess(coordinator.port) as worker:
        await coordinator.submit("noop", count=1_000)
        state = await coordinator.done(1_000)
        assert state.counts.failed == 0
        check_books(coordinator, 1_000)
        check_acknowledged(coordinator, [worker])


async def test_a_coordinator_that_is_killed_while_tasks_flow_loses_and_doubles_nothing() -> None:
    async with contextlib.AsyncExitStack() as stack:
        coordinator = await stack.enter_async_context(CoordinatorProcess(**BRISK))
        workers = [
            await stack.enter_async_context(WorkerProcess(coordinator.port, index=index))
            for index in (1, 2, 3)
        ]
        await coordinator.submit("sleep", {"sleep_ms": 20}, count=900, max_attempts=50)
        for life in (1, 2, 3):
            for worker in workers:
                await connections(worker, life)
            await coordinator.done(100 * life)
            await coordinator.kill()
            for worker in workers:
                await losses(worker, life)
            await coordinator.start()
        for worker in workers:
            await connections(worker, 4)
        state = await coordinator.done(900)
        assert state.counts.failed == 0
        assert state.epoch == 4
        check_books(coordinator, 900)
        check_acknowledged(coordinator, workers)
        for worker in workers:
            outcomes = [event["outcome"] for event in worker.journal("connected")]
            assert outcomes[:4] == ["fresh", "resumed", "resumed", "resumed"]


async def test_attempts_that_run_while_the_coordinator_restarts_are_kept() -> None:
    async with CoordinatorProcess(**PATIENT) as coordinator, WorkerProcess(coordinator.port) as worker:
        await coordinator.submit("sleep", {"sleep_ms": 2_500}, count=4)
        await eventually(lambda: len(worker.journal("started")) == 4, "all to run")
        await coordinator.kill()
        await coordinator.start()
        await coordinator.done(4)
        assert len(worker.journal("started")) == 4
        assert {event["attempts"] for event in coordinator.journal("task_done")} == {1}


async def test_a_worker_that_is_killed_while_tasks_flow_loses_and_doubles_nothing() -> None:
    async with contextlib.AsyncExitStack() as stack:
        coordinator = await stack.enter_async_context(CoordinatorProcess(**BRISK))
        workers = [
            await stack.enter_async_context(WorkerProcess(coordinator.port, index=index))
            for index in (1, 2, 3)
        ]
        await coordinator.submit("sleep", {"sleep_ms": 20}, count=900, max_attempts=50)
        for life, worker in enumerate((*workers, workers[0]), start=1):
            await connections(worker, 1 + (life == 4))
            await coordinator.done(100 * life)
            before = len(coordinator.journal("worker_lost"))
            await worker.kill()
            await losses(coordinator, before + 1)
            await worker.start()
        state = await coordinator.done(900)
        assert state.counts.failed == 0
        check_books(coordinator, 900)
        check_acknowledged(coordinator, workers)


async def test_links_that_are_cut_again_and_again_lose_and_double_nothing() -> None:
    async with contextlib.AsyncExitStack() as stack:
        coordinator = await stack.enter_async_context(CoordinatorProcess(**BRISK))
        links = [await stack.enter_async_context(Relay(coordinator.port)) for _ in range(4)]
        workers = [
            await stack.enter_async_context(WorkerProcess(link.port, index=index))
            for index, link in enumerate(links, start=1)
        ]
        await coordinator.submit("sleep", {"sleep_ms": 10}, count=2_000, max_attempts=50)
        chance = random.Random(4)
        for _ in range(40):
            place = chance.randrange(4)
            await connections(workers[place], len(workers[place].journal("lost")) + 1)
            before = len(workers[place].journal("lost"))
            links[place].cut()
            await losses(workers[place], before + 1)
        state = await coordinator.done(2_000)
        assert state.counts.failed == 0
        check_books(coordinator, 2_000)
        check_acknowledged(coordinator, workers)
        assert sum(len(worker.journal("lost")) for worker in workers) >= 20
        outcomes = {event["outcome"] for worker in workers for event in worker.journal("connected")[1:]}
        assert outcomes == {"resumed"}


@pytest.mark.parametrize("share", [0.02, 0.2])
async def test_damage_on_the_way_is_detected_and_nothing_damaged_is_accepted(share: float) -> None:
    chance = random.Random(6)

    def spoil(data: bytes) -> bytes:
        if chance.random() > share:
            return data
        place = chance.randrange(len(data))
        return data[:place] + bytes([data[place] ^ (1 << chance.randrange(8))]) + data[place + 1 :]

    async with contextlib.AsyncExitStack() as stack:
        coordinator = await stack.enter_async_context(CoordinatorProcess(**BRISK))
        link = await stack.enter_async_context(Relay(coordinator.port))
        worker = await stack.enter_async_context(WorkerProcess(link.port, connect_timeout_ms=1_000))
        await eventually(lambda: worker.journal("connected"), "a session")
        link.spoil = spoil
        await coordinator.submit("sleep", {"sleep_ms": 5}, count=300, max_attempts=1_000)
        noticed = ("frame_refused", "handshake_refused", "worker_lost")
        await eventually(lambda: len(worker.journal("lost", "connect_failed")) >= 5, "some damage")
        assert worker.journal("frame_refused") or coordinator.journal(*noticed)
        link.spoil = lambda data: data
        state = await coordinator.done(300)
        assert state.counts.failed == 0
        check_books(coordinator, 300)
        check_acknowledged(coordinator, [worker])
        assert not worker.journal("gave_up")


async def test_a_half_open_link_is_noticed_by_both_sides_in_time() -> None:
    async with contextlib.AsyncExitStack() as stack:
        coordinator = await stack.enter_async_context(CoordinatorProcess(**BRISK))
        link = await stack.enter_async_context(Relay(coordinator.port))
        worker = await stack.enter_async_context(WorkerProcess(link.port))
        await eventually(lambda: worker.journal("connected"), "a session")
        await eventually(
            lambda: any(total["frames_received"] >= 2 for total in worker.journal("traffic")), "heartbeats"
        )
        link.stall()
        await eventually(
            lambda: worker.journal("lost") and coordinator.journal("worker_lost"), "both to notice"
        )
        link.heal()
        for lost in (worker.journal("lost")[0], coordinator.journal("worker_lost")[0]):
            assert lost["kind"] == "heartbeat_timeout"
            assert 1_500 <= lost["silent_ms"] <= 2 * (400 + 1_600)
        await eventually(lambda: len(worker.journal("connected")) == 2, "the return")
        assert worker.journal("connected")[1]["outcome"] == "resumed"


async def test_a_worker_that_is_paused_for_longer_than_its_lease_does_no_harm() -> None:
    async with contextlib.AsyncExitStack() as stack:
        coordinator = await stack.enter_async_context(CoordinatorProcess(**BRISK))
        zombie = await stack.enter_async_context(WorkerProcess(coordinator.port, index=1, slots=2))
        await coordinator.submit("steps", {"steps": 80, "step_ms": 50}, count=2)
        await eventually(lambda: len(zombie.journal("started")) == 2, "both to run")
        zombie.signal(signal.SIGSTOP)
        other = await stack.enter_async_context(WorkerProcess(coordinator.port, index=2))
        await coordinator.done(2)
        zombie.signal(signal.SIGCONT)
        await eventually(lambda: zombie.journal("lease_expired", "dropped"), "the zombie to stop its work")
        await coordinator.submit("noop", count=1, prefix="after")
        await coordinator.done(3)
        assert {event["worker"] for event in coordinator.journal("task_done")[:2]} == {other.name}
        assert zombie.journal("finished") == [] or zombie.journal("finished")[0]["task"] == "after-0"
        assert len(zombie.journal("lease_expired")) == 2
        check_books(coordinator, 3)


async def test_a_new_process_of_the_same_name_takes_over_and_the_old_ones_end_changes_nothing() -> None:
    async with contextlib.AsyncExitStack() as stack:
        coordinator = await stack.enter_async_context(CoordinatorProcess(**BRISK))
        old = await stack.enter_async_context(WorkerProcess(coordinator.port))
        await eventually(lambda: old.journal("connected"), "a session")
        old.signal(signal.SIGSTOP)
        new = await stack.enter_async_context(WorkerProcess(coordinator.port))
        await eventually(lambda: new.journal("connected"), "the new process")
        await old.kill()
        await coordinator.submit("noop", count=50)
        await coordinator.done(50)
        state = await coordinator.state()
        assert [(worker.name, worker.state) for worker in state.workers] == [("worker-1", "connected")]
        assert len(new.journal("result_acknowledged")) == 50
        assert new.journal("lost") == []


async def test_two_live_processes_of_one_name_do_not_end_each_others_sessions_in_turns() -> None:
    async with contextlib.AsyncExitStack() as stack:
        coordinator = await stack.enter_async_context(CoordinatorProcess(**BRISK))
        older = await stack.enter_async_context(WorkerProcess(coordinator.port))
        await coordinator.submit("sleep", {"sleep_ms": 50}, count=200)
        await eventually(lambda: older.journal("started"), "work on the older process")
        newer = await stack.enter_async_context(WorkerProcess(coordinator.port))
        await eventually(lambda: older.journal("connect_failed"), "the older process to be turned away")
        state = await coordinator.done(200)
        assert state.counts.failed == 0
        check_books(coordinator, 200)
        check_acknowledged(coordinator, [older, newer])
        assert newer.journal("lost") == []
        assert older.journal("lost")[0]["kind"] == "superseded"
        assert len(older.journal("connected")) == 1
        assert state.counters["handshakes_refused_superseded"] >= 1
        await newer.kill()
        await connections(older, 2)
        await coordinator.submit("noop", count=5, prefix="after")
        await coordinator.done(205)


async def test_a_checkpoint_travels_to_another_worker_and_what_is_redone_is_counted() -> None:
    async with contextlib.AsyncExitStack() as stack:
        coordinator = await stack.enter_async_context(CoordinatorProcess(**BRISK))
        first = await stack.enter_async_context(
            WorkerProcess(coordinator.port, index=1, checkpoint_every_ms=300)
        )
        await coordinator.submit("steps", {"steps": 100, "step_ms": 40, "state_bytes": 20_000})
        await eventually(lambda: len(coordinator.journal("checkpoint_committed")) >= 2, "two checkpoints")
        await work_behind_a_checkpoint()
        await first.kill()
        committed = coordinator.journal("checkpoint_committed")[-1]["step"]
        second = await stack.enter_async_context(WorkerProcess(coordinator.port, index=2))
        await coordinator.done(1)
        assert second.journal("started")[0]["from_step"] == committed
        done = coordinator.journal("task_done")[0]
        assert (done["worker"], done["outcome"], done["attempts"]) == ("worker-2", "completed", 2)
        reached = done["redone_steps"] + committed
        assert committed <= reached < 100


async def test_a_drained_coordinator_gives_slots_and_its_successor_gets_all_workers_back() -> None:
    async with contextlib.AsyncExitStack() as stack:
        coordinator = await stack.enter_async_context(CoordinatorProcess(**BRISK))
        workers = [
            await stack.enter_async_context(WorkerProcess(coordinator.port, index=index, policy="slotted"))
            for index in range(1, 6)
        ]
        for worker in workers:
            await connections(worker, 1)
        await coordinator.submit("sleep", {"sleep_ms": 300}, count=30)
        await eventually(lambda: len(coordinator.journal("task_done")) >= 5, "some results")
        coordinator.signal(signal.SIGTERM)
        assert await coordinator.ended() == 0
        await coordinator.start()
        state = await coordinator.done(30)
        assert state.counts.failed == 0
        check_books(coordinator, 30)
        for worker in workers:
            assert worker.journal("lost")[0]["kind"] == "going_away"
            assert worker.journal("waiting")[0]["delay_ms"] <= 600
            await connections(worker, 2)
            assert worker.journal("connected")[1]["outcome"] == "resumed"


async def test_a_drained_worker_hands_back_and_another_finishes_from_its_checkpoint() -> None:
    async with contextlib.AsyncExitStack() as stack:
        coordinator = await stack.enter_async_context(CoordinatorProcess(**BRISK))
        leaver = await stack.enter_async_context(
            WorkerProcess(coordinator.port, index=1, checkpoint_every_ms=300)
        )
        await coordinator.submit("steps", {"steps": 120, "step_ms": 50}, count=3)
        await eventually(
            lambda: len({event["task"] for event in leaver.journal("checkpoint_created")}) == 3,
            "a checkpoint of each task",
        )
        other = await stack.enter_async_context(WorkerProcess(coordinator.port, index=2))
        await eventually(lambda: other.journal("connected"), "the other worker")
        leaver.signal(signal.SIGTERM)
        assert await leaver.ended() == 0
        await coordinator.done(3)
        starts = other.journal("started")
        assert len(starts) == 3
        assert all(start["from_step"] > 0 for start in starts)
        assert {event["redone_steps"] for event in coordinator.journal("task_done")} == {0}
        assert [event["reason"] for event in coordinator.journal("worker_gone")] == ["goodbye"]


async def test_a_worker_with_another_key_gives_up_and_the_others_are_unharmed() -> None:
    async with contextlib.AsyncExitStack() as stack:
        coordinator = await stack.enter_async_context(CoordinatorProcess())
        worker = await stack.enter_async_context(WorkerProcess(coordinator.port, index=1))
        wrong = await stack.enter_async_context(WorkerProcess(coordinator.port, index=2, key=bytes(32)))
        assert await wrong.ended() == 1
        assert "worker-2 gives up: bad_key" in wrong.log
        await coordinator.submit("noop", count=20)
        await coordinator.done(20)
        assert worker.journal("lost") == []


async def test_a_whole_fleet_that_is_cut_off_at_once_is_back_within_fleet_over_admission_rate() -> None:
    fleet, rate = 12, 8.0
    async with contextlib.AsyncExitStack() as stack:
        brisk = BRISK | {"heartbeat_interval_ms": 1_000, "heartbeat_timeout_ms": 2_000, "lease_ms": 5_000}
        coordinator = await stack.enter_async_context(
            CoordinatorProcess(fleet=fleet, admission_per_s=rate / 4, admission_burst=1, **brisk)
        )
        link = await stack.enter_async_context(Relay(coordinator.port))
        workers = [
            await stack.enter_async_context(WorkerProcess(link.port, index=index, policy="slotted"))
            for index in range(1, fleet + 1)
        ]
        await eventually(
            lambda: all(worker.journal("connected") for worker in workers), "the fleet", within_s=40
        )
        link.cut()
        began = time.monotonic()
        await eventually(
            lambda: all(len(worker.journal("connected")) >= 2 for worker in workers), "all", within_s=40
        )
        # A resume is admitted at four times the rate; the cap is meant for full registrations.
        assert time.monotonic() - began <= 2 * fleet / (rate / 4) + 2
        attempts = sum(len(worker.journal("connect_failed")) for worker in workers)
        assert attempts <= 3 * fleet
