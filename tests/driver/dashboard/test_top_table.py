"""A lab in the terminal: those that are not well first, as many as fit, and a line that sums it up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from driver.cli.reference.lab_top import _once
from driver.engines.engine import Container, LabSpec
from driver.histories import events as driver
from driver.reference.dashboard.lab_monitor import LabMonitor
from driver.reference.dashboard.top_table import rows_of, summary_of
from tests.driver.fakes import SPEC, FakeEngine
from tests.driver.judge.histories import Past


class Engine(FakeEngine):
    """A lab that is known from its journals, until it is taken down."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self.is_up = True

    def existing_spec(self) -> LabSpec | None:
        return replace(SPEC, journals=self._folder) if self.is_up else None

    def containers(self) -> list[Container]:
        return []


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """Four workers, of which the third has lost its connection: its link is refused."""
    past = Past(4)
    past.begin()
    past.emit(
        "driver", driver.FaultBegun, 3.0, fault="cut-1", kind="refuse", targets=["worker-3"],
        params=msgspec.Raw(b"{}"), planned_ns=0, cuts=True,
    )  # fmt: skip
    past.lose("worker-3", 3.1)
    return Engine(past.write(tmp_path / "lab") / "journals")


async def watched(engine: Engine) -> LabMonitor:
    monitor = LabMonitor(engine)
    await monitor.refresh()
    while monitor.step():
        pass
    return monitor


async def test_those_that_are_not_well_come_first(engine: Engine) -> None:
    rows, marks = rows_of(await watched(engine), 10)
    assert [row[0] for row in rows] == ["worker-3", "worker-1", "worker-2", "worker-4"]
    assert (rows[0][1], rows[0][6]) == ("trying", "refuse")
    assert marks == ["warn", "good", "good", "good"]


async def test_what_does_not_fit_is_counted(engine: Engine) -> None:
    rows, marks = rows_of(await watched(engine), 3)
    assert [row[0] for row in rows] == ["worker-3", "worker-1", "… and 2 more"]
    assert len({len(row) for row in rows}) == 1
    assert len(marks) == len(rows)


async def test_one_line_sums_it_up(engine: Engine) -> None:
    monitor = await watched(engine)
    assert summary_of(monitor).startswith("3/4 connected")
    assert "refuse on 1" in summary_of(monitor)


async def test_workers_that_are_still_connected_under_a_fault_are_counted(tmp_path: Path) -> None:
    past = Past(3)
    past.begin()
    for fault, kind, target in (("unplug-1", "unplug", "worker-1"), ("cut-1", "refuse", "worker-3")):
        past.emit(
            "driver", driver.FaultBegun, 3.0, fault=fault, kind=kind, targets=[target],
            params=msgspec.Raw(b"{}"), planned_ns=0, cuts=True,
        )  # fmt: skip
    past.lose("worker-3", 3.1)
    monitor = await watched(Engine(past.write(tmp_path / "lab") / "journals"))
    assert summary_of(monitor).startswith("2/3 connected, 1 of them under faults, ")


async def test_a_lab_that_is_gone_is_reported_as_last_seen(engine: Engine) -> None:
    monitor = await watched(engine)
    engine.is_up = False
    await monitor.refresh()
    assert summary_of(monitor).startswith("gone, last seen: 3/4 connected")


async def test_without_a_lab_it_says_how_to_start_one(engine: Engine) -> None:
    engine.is_up = False
    monitor = await watched(engine)
    assert rows_of(monitor, 10) == ([], [])
    assert "python lab.py up" in summary_of(monitor)


async def test_a_single_sample_names_what_the_engine_was_asked_for_in_it(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.statuses = {"worker-1": "running"}
    # Of a run its own sampler notes what is used.
    (engine._folder.parent / "run.json").unlink()
    await _once(LabMonitor(engine), "test")
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("worker-1 "))
    assert "20 MiB" in row
