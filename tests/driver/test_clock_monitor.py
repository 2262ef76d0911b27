"""Clocks of hosts, read while a run lasts: real processes in time namespaces, minutes apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from driver.background import background
from driver.engines.many_hosts import offset_of
from driver.histories.driver_journal import DriverJournal
from driver.histories.events import ClockRead, HostLost, ProcessesPlaced
from driver.histories.history import DRIVER
from driver.histories.host_clock import ClockReading
from driver.histories.journals import JOURNALS, read_history
from driver.labs.clock_monitor import ClockMonitor, clock_readers
from tests.driver.fakes import FakeEngine
from tests.driver.time_namespaces import ProcessHost, ProcessHosts
from tests.waiting import eventually
from wire.task_events import Started

AHEAD_S = {"north": 600, "south": 7_200, "west": 45}


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[dict[str, ProcessHost]]:
    made = {}
    for number, (name, ahead_s) in enumerate(AHEAD_S.items(), 1):
        process = f"worker-{number}"
        folder = tmp_path / JOURNALS / process
        folder.mkdir(parents=True)
        made[name] = ProcessHost(process, ahead_s, str(folder / f"{process}.jsonl"))
    yield made
    for host in made.values():
        host.end()


async def test_events_of_hosts_minutes_apart_are_merged_at_their_true_instants_within_the_bound(
    hosts: dict[str, ProcessHost], tmp_path: Path
) -> None:
    journal = DriverJournal(tmp_path / JOURNALS)
    happened: dict[str, tuple[int, int]] = {}
    async with background(ClockMonitor(ProcessHosts(hosts), journal, every_s=0.05).run()):
        await eventually(lambda: read_history(tmp_path).last(ProcessesPlaced))
        for number in range(60):
            host = hosts[("north", "south", "west")[number % 3]]
            asked = host.ask(f"event {number}")
            happened[str(number)] = (asked.asked_ns, asked.answered_ns)
        await eventually(lambda: len(read_history(tmp_path).of(ClockRead)) > 30)
    journal.close()
    history = read_history(tmp_path)
    assert history.clocks.trouble() == []
    events = history.of(Started)
    assert len(events) == 60
    for event in events:
        clock = history.clocks.of(event.by)
        assert clock is not None
        bound_ns = clock.worst_bound_ns(event.at_ns, event.at_ns)
        assert bound_ns < 50_000_000
        asked_ns, answered_ns = happened[event.task]
        assert asked_ns - bound_ns <= event.at_ns <= answered_ns + bound_ns


async def test_every_process_has_its_host_in_the_journal_once(
    hosts: dict[str, ProcessHost], tmp_path: Path
) -> None:
    journal = DriverJournal(tmp_path / JOURNALS)
    async with background(ClockMonitor(ProcessHosts(hosts), journal, every_s=0.01).run()):
        await eventually(lambda: len(read_history(tmp_path).of(ClockRead)) > 20)
    journal.close()
    placed = read_history(tmp_path).of(ProcessesPlaced)
    assert {one.host: one.processes for one in placed} == {
        "north": ["worker-1"], "south": ["worker-2"], "west": ["worker-3"],
    }  # fmt: skip
    assert len(placed) == 3
    assert {one.by for one in placed} == {DRIVER}


async def test_a_host_that_ends_is_recorded_as_lost_once_and_the_others_are_read_on(
    hosts: dict[str, ProcessHost], tmp_path: Path
) -> None:
    journal = DriverJournal(tmp_path / JOURNALS)
    async with background(ClockMonitor(ProcessHosts(hosts), journal, every_s=0.01).run()):
        await eventually(lambda: len(read_history(tmp_path).of(ClockRead)) > 10)
        hosts["south"].end()
        lost = await eventually(lambda: read_history(tmp_path).last(HostLost))
        assert lost is not None
        read = len(read_history(tmp_path).of(ClockRead))
        await eventually(lambda: len(read_history(tmp_path).of(ClockRead)) > read + 10)
    journal.close()
    history = read_history(tmp_path)
    assert [one.host for one in history.of(HostLost)] == ["south"]
    assert history.clocks.trouble() == ["the host south stopped answering in the run"]


class EmptyHosts(ProcessHosts):
    """Hosts on which no process runs yet; counts what is asked."""

    def __init__(self, hosts: dict[str, ProcessHost]) -> None:
        super().__init__(hosts)
        self.looks, self.reads = 0, dict.fromkeys(hosts, 0)

    def placed(self) -> dict[str, list[str]]:
        self.looks += 1
        return {name: [] for name in self.reads}

    def read_clock(self, host: str) -> ClockReading:
        self.reads[host] += 1
        return super().read_clock(host)


async def test_a_host_is_read_at_one_pace_also_before_a_process_runs_there(
    hosts: dict[str, ProcessHost], tmp_path: Path
) -> None:
    journal, engine = DriverJournal(tmp_path / JOURNALS), EmptyHosts(hosts)
    async with background(ClockMonitor(engine, journal, every_s=60.0, placed_every_s=0.01).run()):
        await eventually(lambda: engine.looks > 20)
    journal.close()
    assert engine.reads == {"north": 1, "south": 1, "west": 1}


def test_the_offset_of_a_process_is_that_of_its_host(hosts: dict[str, ProcessHost]) -> None:
    engine = ProcessHosts(hosts)
    for number, ahead_s in enumerate(AHEAD_S.values(), 1):
        assert offset_of(engine, f"worker-{number}") / 1e9 == pytest.approx(-ahead_s, abs=0.1)


def test_an_engine_of_one_host_has_no_offset_and_no_clock_is_read(tmp_path: Path) -> None:
    journal = DriverJournal(tmp_path)
    assert offset_of(FakeEngine(), "toxiproxy") == 0
    assert clock_readers(FakeEngine(), journal) == []
    journal.close()
