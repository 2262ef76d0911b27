"""Every container is watched all the while: by looks, and by the engine's events."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from driver.engines.engine import ContainerState, EngineEvent
from driver.errors import EngineGoneError
from driver.histories.driver_journal import DriverJournal
from driver.labs.container_monitor import CLOSELY, READ_EVERY_S, ContainerMonitor
from tests.driver.fakes import FakeEngine, FakeEvents, events_in
from tests.waiting import eventually

LIMIT_S = 30.0


@asynccontextmanager
async def watching(
    folder: Path, engine: FakeEngine, planned: Callable[[str], bool] = lambda _: False
) -> AsyncIterator[ContainerMonitor]:
    """A running monitor, once its stream of events is open."""
    journal = DriverJournal(folder)
    monitor = ContainerMonitor(engine, journal, planned)
    task = asyncio.create_task(monitor.run())
    try:
        await eventually(lambda: "events" in engine.asked and bool(of(folder, "containers_read")))
        yield monitor
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        journal.close()


def of(folder: Path, kind: str) -> list[dict[str, Any]]:
    return [event for event in events_in(folder) if event["event"] == kind]


def lab() -> FakeEngine:
    return FakeEngine({"coordinator": "running", "worker-1": "running"})


async def test_every_container_is_looked_at_again_and_again(tmp_path: Path) -> None:
    async with watching(tmp_path, lab()):
        await eventually(lambda: len(of(tmp_path, "containers_read")) >= 3)
    looks = of(tmp_path, "containers_read")
    assert looks[0]["asked_ns"] <= looks[0]["at_ns"] < looks[1]["asked_ns"]
    assert looks[1]["at_ns"] - looks[0]["at_ns"] >= READ_EVERY_S * 1e9
    assert {one["container"] for one in of(tmp_path, "container_state")} == {"coordinator", "worker-1"}


async def test_a_state_is_written_when_it_changes_alone(tmp_path: Path) -> None:
    engine = lab()
    async with watching(tmp_path, engine) as monitor:
        await monitor.read()
        engine.hurt["worker-1"] = ["unplugged"]
        await monitor.read()
        await monitor.read()
    states = [one["plugged"] for one in of(tmp_path, "container_state") if one["container"] == "worker-1"]
    assert states == [True, False]


async def test_a_pause_is_recorded_though_the_engine_does_not_answer_before_it_is_over(
    tmp_path: Path,
) -> None:
    class Slow(FakeEngine):
        answers = threading.Event()

        def states(self, closely: Collection[str] = ()) -> dict[str, ContainerState]:
            self.answers.wait(3 * LIMIT_S)
            return super().states(closely)

    engine = Slow({"coordinator": "running", "worker-1": "running"})
    engine.answers.set()

    def states() -> list[str]:
        changes = of(tmp_path, "container_state")
        return [one["status"] for one in changes if one["container"] == "worker-1"]

    async with watching(tmp_path, engine) as monitor:
        engine.answers.clear()
        asked = asyncio.create_task(monitor.read())
        try:
            engine.statuses["worker-1"] = "paused"
            await eventually(lambda: states() == ["running", "paused"])
            engine.statuses["worker-1"] = "running"
            await eventually(lambda: states() == ["running", "paused", "running"])
        finally:
            engine.answers.set()
            await asked
    assert states() == ["running", "paused", "running"]


async def test_what_was_read_before_the_engines_answer_counts_no_more_after_it(tmp_path: Path) -> None:
    class Older(FakeEngine):
        answers, kept = threading.Event(), threading.Event()
        freezes_read = 0

        def states(self, closely: Collection[str] = ()) -> dict[str, ContainerState]:
            self.answers.wait(3 * LIMIT_S)
            return super().states(closely)

        def frozen(self) -> dict[str, bool]:
            self.freezes_read += 1
            self.kept.wait(3 * LIMIT_S)
            return {"worker-1": True} if self.freezes_read == 1 else {}

    engine = Older({"worker-1": "running"})
    engine.answers.set()
    async with watching(tmp_path, engine) as monitor:
        try:
            engine.answers.clear()
            asked = asyncio.create_task(monitor.read())
            await eventually(lambda: engine.freezes_read == 1, "a reading beside the engine's answer")
            engine.answers.set()
            await asked
            engine.answers.clear()
            asked = asyncio.create_task(monitor.read())
            engine.kept.set()
            await eventually(lambda: engine.freezes_read == 2, "the next one, after the first one's return")
        finally:
            engine.kept.set()
            engine.answers.set()
            await asked
    assert [one["status"] for one in of(tmp_path, "container_state")] == ["running"]


async def test_an_event_is_written_with_the_engines_own_time_and_is_followed_by_a_look(
    tmp_path: Path,
) -> None:
    engine = lab()
    async with watching(tmp_path, engine):
        engine.stream.queue.put(EngineEvent("worker-1", "pause", "", at_ns := time.monotonic_ns()))
        await eventually(lambda: any("worker-1" in one["closely"] for one in of(tmp_path, "containers_read")))
    (action,) = of(tmp_path, "engine_action")
    assert (action["at_ns"], action["container"], action["action"]) == (at_ns, "worker-1", "pause")


async def test_the_time_of_an_act_is_that_of_its_event(tmp_path: Path) -> None:
    engine = lab()
    async with watching(tmp_path, engine) as monitor:
        called_ns = time.monotonic_ns()
        # Longer than a fault waits: on a busy machine the events of this test arrive late.
        waiting = asyncio.create_task(monitor.first_action_ns("worker-1", called_ns, within_s=20.0))
        await asyncio.sleep(0)
        for action, after_ns in (("kill", 1_000), ("die", 130_000_000)):
            engine.stream.queue.put(EngineEvent("worker-1", action, "", called_ns + after_ns))
        assert await waiting == called_ns + 1_000
        assert await monitor.first_action_ns("coordinator", called_ns) is None


async def test_how_a_process_ended_is_written_before_anything_starts_it_again(tmp_path: Path) -> None:
    engine = lab()
    async with watching(tmp_path, engine):
        engine.stream.queue.put(EngineEvent("worker-1", "die", "137", time.monotonic_ns()))
        await eventually(lambda: bool(of(tmp_path, "container_exited")))
    (exited,) = of(tmp_path, "container_exited")
    assert (exited["container"], exited["exit_code"], exited["planned"]) == ("worker-1", 137, False)
    assert "said something" in exited["log"][0]


async def test_an_end_that_a_fault_was_to_bring_about_needs_no_log(tmp_path: Path) -> None:
    engine = lab()
    async with watching(tmp_path, engine, planned=lambda name: name == "worker-1"):
        engine.stream.queue.put(EngineEvent("worker-1", "die", "137", time.monotonic_ns()))
        await eventually(lambda: bool(of(tmp_path, "container_exited")))
    (exited,) = of(tmp_path, "container_exited")
    assert (exited["planned"], exited["log"]) == (True, [])


async def test_a_log_line_moves_no_terminal(tmp_path: Path) -> None:
    class Hostile(FakeEngine):
        def log(self, name: str, tail: int | None = None) -> str:
            return "\x1b[2Jgone" + "x" * 10_000

    engine = Hostile({"worker-1": "running"})
    async with watching(tmp_path, engine):
        engine.stream.queue.put(EngineEvent("worker-1", "die", "1", time.monotonic_ns()))
        await eventually(lambda: bool(of(tmp_path, "container_exited")))
    (line,) = of(tmp_path, "container_exited")[0]["log"]
    assert line.startswith("?[2Jgone")
    assert len(line) == 200


async def test_a_stream_that_breaks_off_is_journaled_and_resumed(tmp_path: Path) -> None:
    class Breaking(FakeEngine):
        def events(self, since_ns: int | None = None) -> FakeEvents:
            self.asked.append(f"events since {since_ns}")
            return super().events(since_ns)

    engine = Breaking({"worker-1": "running"})
    async with watching(tmp_path, engine):
        first_ns = time.monotonic_ns() + 1
        engine.stream.queue.put(EngineEvent("worker-1", "pause", "", first_ns))
        engine.stream.queue.put(None)
        await eventually(lambda: f"events since {first_ns}" in engine.asked)
        await eventually(lambda: engine.asked.count("events") == 2)
        # An event that the engine repeats is written once.
        engine.stream.queue.put(EngineEvent("worker-1", "pause", "", first_ns))
        engine.stream.queue.put(EngineEvent("worker-1", "unpause", "", first_ns + 5))
        await eventually(lambda: len(of(tmp_path, "engine_action")) == 2)
    assert [one["action"] for one in of(tmp_path, "engine_action")] == ["pause", "unpause"]
    assert len(of(tmp_path, "events_missed")) == 1


async def test_an_engine_that_does_not_answer_ends_no_run_by_itself(tmp_path: Path) -> None:
    class Deaf(FakeEngine):
        deaf = False

        def states(self, closely: Collection[str] = ()) -> dict[str, ContainerState]:
            if self.deaf:
                raise EngineGoneError("The Docker engine stopped answering.")
            return super().states(closely)

    engine = Deaf({"worker-1": "running"})
    async with watching(tmp_path, engine) as monitor:
        engine.deaf = True
        await monitor.read()
        engine.deaf = False
        before = len(of(tmp_path, "containers_read"))
        await eventually(lambda: len(of(tmp_path, "containers_read")) > before)


async def test_limits_of_a_large_lab_are_read_in_turn_and_of_those_under_a_fault_always(
    tmp_path: Path,
) -> None:
    engine = FakeEngine({f"worker-{number}": "running" for number in range(1, 41)})
    journal = DriverJournal(tmp_path)
    monitor = ContainerMonitor(engine, journal)
    monitor.watch_closely(["worker-3"])
    for _ in range(6):
        await monitor.read()
    monitor.release(["worker-3"])
    await monitor.read()
    journal.close()
    rounds = [set(one["closely"]) for one in of(tmp_path, "containers_read")[1:]]
    assert all("worker-3" in closely and len(closely) <= CLOSELY + 1 for closely in rounds[:-1])
    assert len(set().union(*rounds)) == 40


@pytest.mark.parametrize("steps", range(5))
async def test_a_monitor_that_is_cancelled_as_an_event_comes_ends(tmp_path: Path, steps: int) -> None:
    journal = DriverJournal(tmp_path)
    monitor = ContainerMonitor(lab(), journal)
    task = asyncio.create_task(monitor.run())
    await eventually(lambda: bool(of(tmp_path, "containers_read")))
    await eventually(lambda: not monitor._reading.locked())
    monitor._arrived.set()
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=LIMIT_S)
    assert done
    journal.close()
