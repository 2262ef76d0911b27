"""Workers start at the pace at which they connect; one that never does holds no other one back for long."""

from __future__ import annotations

import asyncio
import os
import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import pytest

from driver.errors import EngineError
from driver.reference.errors import CoordinatorError
from driver.reference.labs import paced_start
from driver.reference.labs.lab import Lab
from driver.reference.labs.paced_start import ON_ITS_WAY_S, StartPace, start_created
from driver.terminal import Terminal
from tests.driver.fakes import SPEC, FakeEngine, FakeLinks
from tests.waiting import eventually
from wire.control import CoordinatorState, TaskCounts, WorkerState

NAMES = [f"worker-{index}" for index in range(1, 8)]


def test_no_more_are_on_their_way_than_may_be() -> None:
    pace = StartPace(NAMES, 3)
    assert pace.due((), 0.0) == NAMES[:3]
    assert pace.due((), 1.0) == []
    assert pace.due({"worker-2"}, 2.0) == ["worker-4"]
    assert pace.due({"worker-1", "worker-2", "worker-3"}, 3.0) == ["worker-5", "worker-6"]
    assert not pace.is_over
    assert pace.due(set(NAMES[:6]), 4.0) == ["worker-7"]
    assert pace.is_over


def test_workers_that_were_connected_before_count_for_nothing() -> None:
    pace = StartPace(NAMES[2:], 2)
    assert pace.due({"worker-1", "worker-2"}, 0.0) == ["worker-3", "worker-4"]


def test_one_that_does_not_connect_holds_no_other_back_after_its_time() -> None:
    pace = StartPace(NAMES, 1)
    assert pace.due((), 0.0) == ["worker-1"]
    assert pace.due((), ON_ITS_WAY_S - 0.1) == []
    assert pace.due((), ON_ITS_WAY_S) == ["worker-2"]


def test_without_workers_it_is_over_at_once() -> None:
    assert StartPace([], 1).is_over


@dataclass
class Starting(FakeEngine):
    """Workers that connect once they are started, while `connects`."""

    connects: bool = True
    started: list[str] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    def start(self, name: str) -> None:
        super().start(name)
        self.gate.wait(30)
        self.started.append(name)


class Coordinator:
    """Has every worker connected that its engine started; does not answer the first question."""

    def __init__(self, engine: Starting) -> None:
        self._engine = engine
        self._asked = 0

    async def __aenter__(self) -> Coordinator:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def state(self) -> CoordinatorState:
        self._asked += 1
        if self._asked == 1:
            raise CoordinatorError("The coordinator does not answer.")
        names = self._engine.started if self._engine.connects else []
        workers = [WorkerState(name, "connected", "s", 0, 0, 1, 0) for name in names]
        return CoordinatorState(1, 0, False, TaskCounts(0, 0, 0, 0, 0), {}, workers, {})


class StartingLab(Lab):
    """A lab of workers that were created, and of a prober."""

    def coordinator(self) -> Any:
        assert isinstance(self.engine, Starting)
        return Coordinator(self.engine)


def lab(workers: int, refuses: str = "") -> tuple[StartingLab, Starting]:
    names = ["prober", *(f"worker-{index}" for index in range(1, workers + 1))]
    engine = Starting({"coordinator": "running", **dict.fromkeys(names, "created")}, refuses={refuses})
    engine.gate.set()
    return StartingLab(engine, SPEC, FakeLinks()), engine


async def test_every_container_that_was_created_is_started_once() -> None:
    made, engine = lab(30)
    await start_created(made, 30, Terminal())
    assert sorted(engine.started) == sorted(["prober", *(f"worker-{index}" for index in range(1, 31))])


async def test_a_start_that_is_refused_ends_the_others() -> None:
    made, _ = lab(3, refuses="start")
    with pytest.raises(EngineError, match=r"start .* was refused"):
        await start_created(made, 3, Terminal())


async def test_no_more_are_asked_for_while_none_connects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    made, engine = lab(30)
    engine.connects = False
    work = asyncio.ensure_future(start_created(made, 30, Terminal()))
    await eventually(lambda: len(engine.started) == 1 + paced_start.PER_CORE, "the first of them")
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert len(engine.started) == 1 + paced_start.PER_CORE


async def test_a_cancelled_start_returns_once_nothing_is_started_any_more() -> None:
    made, engine = lab(3)
    engine.gate.clear()
    engine.statuses.pop("prober")
    work = asyncio.ensure_future(start_created(made, 3, Terminal()))
    await eventually(lambda: "start worker-1" in engine.asked, "the first call")
    work.cancel()
    engine.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await work
    asked = [one for one in engine.asked if one.startswith("start ")]
    assert len(engine.started) == len(asked)
