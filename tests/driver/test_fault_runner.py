"""Faults begin and end at their times, and the journal says what really happened."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from chaos.actuator import ActuatorError, AnchorMissedError, Injection, LinkEffect, Times
from chaos.anchor import AnchorPoint, Strike
from chaos.directions import Direction
from chaos.fault import Fault
from driver.histories.driver_journal import DriverJournal
from driver.histories.history import History, LineReader
from driver.judging.injected_faults import injected_faults
from driver.labs.container_monitor import ContainerMonitor
from driver.labs.fault_runner import FaultCounters, FaultRunner
from driver.scenarios.plan import PlannedAnchor, PlannedFault
from tests.driver.fakes import FakeEngine, events_in
from tests.waiting import eventually

NOTICE_S = 4.0


class FakeActuator:
    """Does what it is asked at once; what is in `refuses` cannot be done, as often as its number says."""

    def __init__(self, **refuses: int) -> None:
        self.refuses = refuses
        self.asked: list[str] = []
        self.comes_s: float | None = 0.1
        self.strikes: dict[str, Strike] = {}

    async def inject_links(self, strike: Injection, effect: LinkEffect) -> Times:
        if strike.anchor is not None:
            self.strikes[strike.fault_id] = reached = await self._reached(strike)
            return dict.fromkeys(strike.targets, reached.at_ns + 1_000)
        self._do(f"strike {strike.fault_id}")
        assert strike.begin_at_ns is not None
        return {name: strike.begin_at_ns + place * 1_000_000 for place, name in enumerate(strike.targets)}

    async def heal_links(self, fault_id: str) -> Times:
        self._do(f"release {fault_id}")
        return {"worker-1": time.monotonic_ns()}

    async def reach(self, injection: Injection) -> Strike:
        return await self._reached(injection)

    def strike(self, fault_id: str) -> Strike | None:
        return self.strikes.pop(fault_id, None)

    async def _reached(self, injection: Injection) -> Strike:
        """Return the strike of an anchor, which is reached after `comes_s` or never."""
        assert injection.anchor is not None
        self._do(f"arm {injection.fault_id}")
        if self.comes_s is None:
            await asyncio.sleep(injection.within_s)
            raise AnchorMissedError("its anchor did not come")
        await asyncio.sleep(self.comes_s)
        return Strike("worker-2", Direction.to_server, 1200, 3, 1, 0, True, time.monotonic_ns())

    async def pause(self, container: str) -> int:
        return self._do(f"pause {container}")

    async def unpause(self, container: str) -> int:
        return self._do(f"unpause {container}")

    async def kill(self, container: str) -> int:
        return self._do(f"kill {container}")

    async def stop(self, container: str, grace_s: float) -> int:
        return self._do(f"stop {container}")

    async def start(self, container: str) -> int:
        return self._do(f"start {container}")

    async def restart(self, container: str, grace_s: float) -> int:
        return self._do(f"restart {container}")

    async def unplug(self, container: str) -> int:
        return self._do(f"unplug {container}")

    async def plug(self, container: str) -> int:
        return self._do(f"plug {container}")

    async def limit(
        self, container: str, *, cpus: float | None = None, memory_bytes: int | None = None
    ) -> int:
        return self._do(f"limit {container}")

    async def unlimit(self, container: str, *, cpus: bool = False, memory: bool = False) -> int:
        return self._do(f"unlimit {container}")

    def counters(self, fault_id: str) -> FaultCounters:
        return FaultCounters({"worker-1": {"delayed_chunks": 3}}, {"worker-1": 1}, "lease", ["worker-2"])

    def toxiproxy_offset_ns(self, fault_id: str) -> int:
        return 0

    def mechanism(self, fault: Fault) -> str:
        return "a fake" if fault.needs else ""

    def _do(self, what: str) -> int:
        self.asked.append(what)
        verb = what.partition(" ")[0]
        if self.refuses.get(verb, 0):
            self.refuses[verb] -= 1
            raise ActuatorError(f"{what} was refused")
        return time.monotonic_ns()


def planned(fault: str, at_s: float, for_s: float | None, *targets: str, number: int = 1) -> PlannedFault:
    return PlannedFault(
        id=f"{fault}-{number}", entry=fault, fault=fault, params={}, targets=targets or ("worker-1",),
        at_s=at_s, for_s=for_s, seed=1,
    )  # fmt: skip


async def run(
    tmp_path: Path, actuator: FakeActuator, *faults: PlannedFault
) -> tuple[FaultRunner, list[dict[str, Any]]]:
    journal = DriverJournal(tmp_path)
    monitor = ContainerMonitor(FakeEngine({"worker-1": "running"}), journal)
    runner = FaultRunner(actuator, monitor, journal, faults, NOTICE_S)
    await runner.run(time.monotonic_ns())
    journal.close()
    return runner, events_in(tmp_path)


async def test_a_fault_that_lasts_begins_and_ends(tmp_path: Path) -> None:
    actuator = FakeActuator()
    runner, events = await run(tmp_path, actuator, planned("refuse", 0.0, 0.2, "worker-1", "worker-2"))
    assert actuator.asked == ["strike refuse-1", "release refuse-1"]
    begun, ended = events
    assert (begun["event"], begun["kind"], begun["targets"]) == (
        "fault_begun",
        "refuse",
        ["worker-1", "worker-2"],
    )
    assert begun["cuts"] is True
    assert begun["spread_ms"] == 1.0
    assert ended["event"] == "fault_ended"
    assert ended["at_ns"] - begun["planned_ns"] >= 200_000_000
    assert runner.active == {}


async def test_the_begin_is_journaled_at_the_time_of_the_last_target(tmp_path: Path) -> None:
    _, events = await run(tmp_path, FakeActuator(), planned("refuse", 0.1, 0.1, "worker-1", "worker-2"))
    assert events[0]["at_ns"] == events[0]["planned_ns"] + 1_000_000


async def test_a_fault_of_an_instant_is_ended_at_once(tmp_path: Path) -> None:
    actuator = FakeActuator()
    _, events = await run(tmp_path, actuator, planned("cut", 0.0, None))
    assert actuator.asked == ["strike cut-1", "release cut-1"]
    assert [event["event"] for event in events] == ["fault_begun", "fault_ended"]


async def test_what_toxiproxy_counted_reaches_the_receipt(tmp_path: Path) -> None:
    runner, _ = await run(tmp_path, FakeActuator(), planned("refuse", 0.0, 0.1))
    act = runner.injected["refuse-1"]
    assert act.counters == {"worker-1": {"delayed_chunks": 3}}
    assert act.connections_hit == {"worker-1": 1}
    assert act.end_called_ns is not None


async def test_a_fault_that_cannot_begin_has_no_end(tmp_path: Path) -> None:
    actuator = FakeActuator(strike=1)
    runner, events = await run(tmp_path, actuator, planned("refuse", 0.0, 0.1))
    assert [event["event"] for event in events] == ["fault_failed"]
    assert "was refused" in events[0]["detail"]
    assert runner.injected == {}


async def test_an_end_that_fails_once_is_tried_again(tmp_path: Path) -> None:
    actuator = FakeActuator(release=1)
    runner, events = await run(tmp_path, actuator, planned("refuse", 0.0, 0.1))
    assert [event["event"] for event in events] == ["fault_begun", "fault_ended"]
    assert runner.active == {}


async def test_a_fault_that_does_not_end_is_trouble_and_stays_on(tmp_path: Path) -> None:
    runner, events = await run(tmp_path, FakeActuator(release=99), planned("refuse", 0.0, 0.1))
    assert [event["event"] for event in events] == ["fault_begun", "fault_ended", "trouble"]
    assert events[1]["detail"] != ""
    assert list(runner.active) == ["refuse-1"]


async def test_a_container_under_a_fault_is_looked_at_meanwhile(tmp_path: Path) -> None:
    actuator = FakeActuator()
    runner, events = await run(tmp_path, actuator, planned("pause", 0.0, 0.2))
    (act,) = runner.injected.values()
    assert actuator.asked == ["pause worker-1", "unpause worker-1"]
    assert [event["container"] for event in events if event["event"] == "container_state"] == ["worker-1"]
    assert looks_between(events, act.first_ns, act.end_called_ns) == 2


async def test_a_container_is_sampled_once_more_after_its_fault(tmp_path: Path) -> None:
    _, events = await run(tmp_path, FakeActuator(), planned("kill", 0.0, 0.1))
    ended_ns = next(one["at_ns"] for one in events if one["event"] == "fault_ended")
    assert events[-1]["event"] == "containers_read"
    assert events[-1]["asked_ns"] >= ended_ns
    assert "worker-1" in events[-1]["closely"]


async def test_a_container_with_a_fault_that_began_after_its_planned_end_is_still_sampled(
    tmp_path: Path,
) -> None:
    class Slow(FakeActuator):
        async def kill(self, container: str) -> int:
            await asyncio.sleep(0.3)
            return await super().kill(container)

    runner, events = await run(tmp_path, Slow(), planned("kill", 0.0, 0.1))
    (act,) = runner.injected.values()
    assert looks_between(events, act.first_ns, act.end_called_ns)


@pytest.mark.parametrize(("fault", "for_s"), [("restart", None), ("kill", 0.1)])
async def test_a_target_that_takes_long_to_begin_makes_the_driver_late_with_no_end(
    tmp_path: Path, fault: str, for_s: float | None
) -> None:
    class Slow(FakeActuator):
        async def kill(self, container: str) -> int:
            await asyncio.sleep(1.0)
            return await super().kill(container)

        async def restart(self, container: str, grace_s: float) -> int:
            await asyncio.sleep(1.0)
            return await super().restart(container, grace_s)

    _, events = await run(tmp_path, Slow(), planned(fault, 0.0, for_s))
    (ended,) = (event for event in events if event["event"] == "fault_ended")
    assert 0 <= ended["called_ns"] - ended["planned_ns"] < 900_000_000


async def test_no_end_waits_for_the_look_before_it(tmp_path: Path) -> None:
    is_ended = asyncio.Event()

    class Ending(FakeActuator):
        async def start(self, container: str) -> int:
            is_ended.set()
            return await super().start(container)

    class Slow(ContainerMonitor):
        looks = 0

        async def read(self, closely: Collection[str] = ()) -> None:
            self.looks += 1
            if self.looks > 1:
                await is_ended.wait()

    journal = DriverJournal(tmp_path)
    monitor = Slow(FakeEngine({"worker-1": "running"}), journal)
    runner = FaultRunner(Ending(), monitor, journal, (planned("kill", 0.0, 0.1),), NOTICE_S)
    async with asyncio.timeout(10):
        await runner.run(time.monotonic_ns())
    assert monitor.looks == 3
    assert runner.active == {}


def looks_between(events: list[dict[str, Any]], from_ns: int, until_ns: int | None) -> int:
    """How many looks lie wholly between two instants."""
    assert until_ns is not None
    looks = [event for event in events if event["event"] == "containers_read"]
    return sum(from_ns <= look["asked_ns"] <= look["at_ns"] <= until_ns for look in looks)


@pytest.mark.parametrize(
    ("fault", "params", "ends"),
    [("kill", {}, True), ("memory", {"limit": "64MiB"}, True), ("latency", {"mean": "5ms"}, False),
     ("pause", {}, False)],
)  # fmt: skip
async def test_only_a_fault_that_can_end_a_process_is_said_to(
    tmp_path: Path, fault: str, params: dict[str, str], ends: bool
) -> None:
    journal = DriverJournal(tmp_path)
    one = planned(fault, 0.0, 5.0).model_copy(update={"params": params})
    runner = FaultRunner(FakeActuator(), ContainerMonitor(FakeEngine(), journal), journal, (one,), NOTICE_S)
    runner.active[one.id] = one
    assert (runner.may_end("worker-1"), runner.may_end("worker-2")) == (ends, False)


async def test_a_fault_that_follows_another_at_the_same_instant_is_not_lost(tmp_path: Path) -> None:
    _, events = await run(
        tmp_path, FakeActuator(), planned("refuse", 0.0, 0.2), planned("refuse", 0.2, 0.1, number=2)
    )
    assert sorted(event["fault"] for event in events) == ["refuse-1", "refuse-1", "refuse-2", "refuse-2"]


async def test_all_faults_can_be_ended_at_once(tmp_path: Path) -> None:
    actuator = FakeActuator(release=3)
    runner, _ = await run(tmp_path, actuator, planned("refuse", 0.0, 0.1))
    runner._journal = DriverJournal(tmp_path)
    assert await runner.end_all()
    assert runner.active == {}


@pytest.mark.parametrize(("for_s", "cuts"), [(5.0, False), (7.0, True)])
async def test_silence_costs_a_connection_only_when_it_is_noticed(
    tmp_path: Path, for_s: float, cuts: bool
) -> None:
    assert planned("pause", 0.0, for_s).build().disconnects(for_s, NOTICE_S) is cuts


async def test_what_was_done_can_be_read_from_the_journal_alone(tmp_path: Path) -> None:
    faults = planned("refuse", 0.0, 0.2), planned("cut", 0.1, None, "worker-1", "worker-2")
    runner, _ = await run(tmp_path, FakeActuator(), *faults)
    lines = (tmp_path / "driver.jsonl").read_bytes()
    history = History({"driver": LineReader(()).read("driver", lines)})
    assert injected_faults(history) == [runner.injected["refuse-1"], runner.injected["cut-1"]]
    refuse = runner.injected["refuse-1"]
    assert refuse.counters == {"worker-1": {"delayed_chunks": 3}}
    assert (refuse.ended_because, refuse.absent) == ("lease", ("worker-2",))
    assert refuse.end_planned_ns is not None


def anchored(fault: str, for_s: float | None, within_s: float = 5.0) -> PlannedFault:
    when = PlannedAnchor(links=("worker-2",), point=AnchorPoint(frame=3), within_s=within_s)
    return planned(fault, 0.0, for_s).model_copy(update={"when": when})


async def test_a_fault_with_an_anchor_lasts_from_its_anchor(tmp_path: Path) -> None:
    actuator = FakeActuator()
    runner, (begun, ended) = await run(tmp_path, actuator, anchored("refuse", 0.2))
    assert actuator.asked == ["arm refuse-1", "release refuse-1"]
    assert begun["planned_ns"] == begun["reached"]["at_ns"]
    assert begun["reached"]["passed_bytes"] == 1200
    assert begun["reached"]["by_door"] is True
    assert ended["planned_ns"] == begun["planned_ns"] + 200_000_000
    assert runner.active == {}


async def test_the_driver_begins_a_container_fault_when_its_anchor_is_reported(tmp_path: Path) -> None:
    actuator = FakeActuator()
    runner, _ = await run(tmp_path, actuator, anchored("kill", 0.2))
    assert actuator.asked == ["arm kill-1", "kill worker-1", "start worker-1"]
    injected = runner.injected["kill-1"]
    assert injected.strike is not None
    assert injected.strike.at_ns == injected.planned_ns <= injected.first_ns


@pytest.mark.parametrize("fault", ["refuse", "kill"])
async def test_a_fault_whose_anchor_does_not_come_has_not_begun(tmp_path: Path, fault: str) -> None:
    actuator = FakeActuator()
    actuator.comes_s = None
    runner, events = await run(tmp_path, actuator, anchored(fault, 0.2, within_s=0.1))
    assert [event["event"] for event in events] == ["fault_failed"]
    assert runner.missed == {f"{fault}-1": "its anchor did not come"}
    assert (runner.active, runner.failed) == ({}, {})
    assert actuator.asked == [f"arm {fault}-1"]


async def test_a_fault_that_waits_for_its_anchor_is_disarmed_with_all_others(tmp_path: Path) -> None:
    actuator, journal = FakeActuator(), DriverJournal(tmp_path)
    actuator.comes_s = 60.0
    monitor = ContainerMonitor(FakeEngine({"worker-1": "running"}), journal)
    runner = FaultRunner(actuator, monitor, journal, (anchored("refuse", 0.2, within_s=60.0),), NOTICE_S)
    running = asyncio.create_task(runner.run(time.monotonic_ns()))
    await eventually(lambda: actuator.asked)
    assert runner.active_names() == ["refuse on 1 at its anchor"]
    running.cancel()
    assert await runner.end_all()
    journal.close()
    assert actuator.asked == ["arm refuse-1", "release refuse-1"]


async def test_where_an_anchor_was_reached_can_be_read_from_the_journal_alone(tmp_path: Path) -> None:
    runner, _ = await run(tmp_path, FakeActuator(), anchored("refuse", 0.2))
    lines = (tmp_path / "driver.jsonl").read_bytes()
    history = History({"driver": LineReader(()).read("driver", lines)})
    assert injected_faults(history) == [runner.injected["refuse-1"]]


async def test_a_fault_that_could_not_begin_everywhere_is_ended_all_the_same(tmp_path: Path) -> None:
    actuator, journal = FakeActuator(pause=1), DriverJournal(tmp_path)
    faults = (planned("pause", 0.0, 0.2, "worker-1", "worker-2"),)
    monitor = ContainerMonitor(FakeEngine({"worker-1": "running", "worker-2": "running"}), journal)
    runner = FaultRunner(actuator, monitor, journal, faults, NOTICE_S)
    await runner.run(time.monotonic_ns())
    assert runner.failed
    assert await runner.end_all()
    journal.close()
    assert "unpause worker-2" in actuator.asked
    assert not runner.active
