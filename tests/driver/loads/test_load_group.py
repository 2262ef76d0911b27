"""Claims about loads side by side: each runs, and one that never succeeds is named before the first fault."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from driver.errors import LabError, NotReadyError
from driver.histories.journal_kinds import LOAD, reader_of
from driver.histories.system_events import LoadEnded
from driver.loads.load import Load, LoadContext, OutsideAddress, OutsideNetwork
from driver.loads.load_group import LoadGroup
from wire.events import Journal


class Steady(Load):
    name: ClassVar = "steady"
    summary: ClassVar = "has one operation"
    outcome: str

    async def run(self, context: LoadContext) -> None:
        context.operations.operation(
            op="get",
            key=context.name,
            value=None,
            due_ns=1,
            call_ns=1,
            return_ns=2,
            outcome=self.outcome,
            detail=f"answered {self.outcome}",
        )
        await asyncio.sleep(0)


class Absent(Load):
    name: ClassVar = "absent"
    summary: ClassVar = "cannot run"

    async def run(self, context: LoadContext) -> None:
        raise LabError("its executable is not there")


class NoAddresses:
    def published(self) -> Sequence[OutsideAddress]:
        return ()

    def inside(self, service: str, port: int, replica: int = 1) -> str:
        raise LabError(f"{service} is not there")

    def outside_network(self) -> OutsideNetwork:
        raise LabError("it is not there")


def group(loads: dict[str, Load], lines: list[bytes]) -> LoadGroup:
    journal = Journal(LOAD, lines.append, lambda: 7, lambda: 7.0)
    return LoadGroup(loads, NoAddresses(), journal, Path(), Path(), zero_ns=0, duration_s=1.0, seed=1)


async def test_loads_run_side_by_side_and_each_ends_once() -> None:
    lines: list[bytes] = []
    loads = group({"a": Steady(outcome="ok"), "b": Steady(outcome="ok")}, lines)
    await loads.run()
    await loads.wait_ok(0.0)
    await loads.after()
    events = reader_of(LOAD).read(LOAD, b"".join(lines)).events
    assert [one.load for one in events if isinstance(one, LoadEnded)] == ["a", "b"]


async def test_a_load_that_never_succeeds_is_named_with_what_came_back() -> None:
    loads = group({"a": Steady(outcome="ok"), "b": Steady(outcome="fail")}, [])
    await loads.run()
    with pytest.raises(NotReadyError) as error:
        await loads.wait_ok(0.0)
    assert error.value.sentence == (
        "No fault was injected: load `b` had no operation that was ok in 0.0 s, of 1; "
        "the last one: answered fail."
    )


async def test_a_load_that_cannot_run_ends_the_others() -> None:
    with pytest.raises(ExceptionGroup, match="TaskGroup") as error:
        await group({"a": Absent(), "b": Steady(outcome="ok")}, []).run()
    assert error.value.subgroup(LabError)
