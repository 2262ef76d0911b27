"""The lab measures its own machine, and its own loop."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from driver.histories.driver_journal import DriverJournal
from driver.histories.events import MachineSample
from driver.histories.machine_load import too_busy
from driver.labs.machine_monitor import KernelCounters, MachineMonitor, read_counters, sample_fields
from tests.driver.fakes import events_in
from tests.waiting import eventually

S = 1_000_000_000
STAT = "cpu  100 0 50 800 10 0 0 40 0 0\ncpu0 1 2 3\nprocs_running 9\n"
PSI = "some avg10=0.00 avg300=0.00 total={some}\nfull avg10=0.00 avg300=0.00 total={full}\n"


def proc(folder: Path) -> Path:
    """A /proc with processor counters and pressure."""
    (folder / "pressure").mkdir()
    (folder / "stat").write_text(STAT)
    for resource, some, full in (("cpu", 500, 0), ("io", 70, 60), ("memory", 5, 4)):
        (folder / "pressure" / resource).write_text(PSI.format(some=some, full=full))
    return folder


def test_the_kernels_counters_are_read(tmp_path: Path) -> None:
    found = read_counters(proc(tmp_path))
    assert (found.total_ticks, found.steal_ticks, found.runnable) == (1000, 40, 8)
    assert found.stalled_us == {"cpu": 500, "io": 60, "memory": 4}


def test_a_machine_without_such_files_says_nothing_of_pressure(tmp_path: Path) -> None:
    found = read_counters(tmp_path)
    assert (found.total_ticks, found.stalled_us) == (0, {})
    assert sample_fields(found, found)["cpu_pressure"] is None


def test_a_sample_is_of_the_time_between_two_readings() -> None:
    before = KernelCounters(0, 1000, 40, 1, {"cpu": 0, "io": 0, "memory": 0})
    after = KernelCounters(2 * S, 1200, 90, 7, {"cpu": 1_000_000, "io": 200_000, "memory": 0})
    assert sample_fields(before, after) == {
        "runnable": 7, "steal_ratio": 0.25, "cpu_pressure": 0.5, "io_pressure": 0.1, "memory_pressure": 0.0,
    }  # fmt: skip


def block_loop(for_s: float) -> None:
    """Keep the loop from everything else, as a process that got no processor would be."""
    until = time.monotonic() + for_s
    while time.monotonic() < until:
        pass


async def test_a_loop_that_was_stopped_is_written_with_its_lag(tmp_path: Path) -> None:
    journal = DriverJournal(tmp_path)
    monitor = MachineMonitor(journal.write)
    task = asyncio.create_task(monitor.run())
    await asyncio.sleep(0)
    block_loop(1.2)
    await eventually(lambda: events_in(tmp_path), "a sample")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    journal.close()
    assert events_in(tmp_path)[0]["loop_lag_ms"] >= 1_100


def samples(
    runnable: int = 2, steal: float = 0.0, io: float | None = 0.0, count: int = 30
) -> list[MachineSample]:
    return [
        MachineSample(
            at_ns=second * S, wall_s=second, by="driver", runnable=runnable, cores=2, steal_ratio=steal,
            cpu_pressure=None if io is None else 0.9, io_pressure=io, memory_pressure=io, loop_lag_ms=1.0,
        )
        for second in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        (samples(runnable=20), "20 processes wanted to run on 2 cores (processor pressure 90%) over 10 s"),
        (samples(runnable=20, io=None), "20 processes wanted to run on 2 cores over 10 s"),
        (samples(steal=0.6), "other machines took 60% of its processor time"),
        (samples(io=0.8), "everything waited for its disk for 80% of the time"),
    ],
)
def test_a_machine_that_was_too_busy_is_said_to_be_with_the_figure(
    expected: list[MachineSample], found: str
) -> None:
    assert too_busy(expected).startswith("this machine was too busy: ")
    assert found in too_busy(expected)


@pytest.mark.parametrize("expected", [samples(), samples(runnable=6), samples(runnable=20, count=2), []])
def test_two_busy_processes_beside_a_lab_are_not_too_much(expected: list[MachineSample]) -> None:
    assert too_busy(expected) == ""


def test_less_than_a_whole_span_is_no_average_over_it() -> None:
    """A lab's own start is over in three seconds; three samples of it counted as ten seconds."""
    assert too_busy(samples(runnable=20, count=7)) == ""
    assert too_busy(samples(runnable=20, count=11))


def test_a_burst_is_no_load() -> None:
    found = samples()
    found[15] = samples(runnable=60)[15]
    assert too_busy(found) == ""
