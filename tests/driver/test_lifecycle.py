"""A lab comes up although others take its networks, and goes down although it does not stop in order."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from driver.engines.engine import LabSpec
from driver.errors import EngineError, LabError, SubnetInUseError
from driver.labs.take_down import RemovedLab, raise_for_leftovers, take_down
from driver.reference.labs.lifecycle import SUBNET_TRIES, _up_core, call_engine
from driver.terminal import Terminal
from tests.driver.fakes import SPEC, FakeEngine
from tests.waiting import eventually


@dataclass
class CrowdedEngine(FakeEngine):
    """Other labs take its networks `taken` times."""

    taken: int = 0

    def up(self, spec: LabSpec, services: Sequence[str]) -> None:
        super().up(spec, services)
        if self.taken:
            self.taken -= 1
            raise SubnetInUseError("The lab's network is taken.")

    def reserve_addresses(self, spec: LabSpec) -> LabSpec:
        return replace(spec, subnet_index=spec.subnet_index + 1)


@dataclass
class StubbornEngine(FakeEngine):
    """Does not stop in order."""

    def stop_all(self, grace_s: float, *, processes_only: bool = False) -> None:
        raise EngineError("worker-1 does not stop.")


def test_networks_that_were_taken_meanwhile_are_replaced() -> None:
    engine = CrowdedEngine(taken=2)
    assert _up_core(engine, SPEC).subnet_index == 2
    assert engine.asked.count("down") == 2


def test_networks_that_are_always_taken_end_the_tries() -> None:
    engine = CrowdedEngine(taken=10**6)
    with pytest.raises(LabError, match="take every network"):
        _up_core(engine, SPEC)
    assert len([one for one in engine.asked if one.startswith("up")]) == SUBNET_TRIES


async def test_what_does_not_stop_in_order_is_removed_all_the_same() -> None:
    engine = StubbornEngine({"worker-1": "running"})
    down = await take_down(engine, Terminal())
    assert "down" in engine.asked
    assert (down.containers, down.left) == (1, [])
    raise_for_leftovers(down)


def test_leftovers_are_never_passed_over_in_silence() -> None:
    with pytest.raises(LabError, match="Still there after taking the lab down: network lab_links"):
        raise_for_leftovers(RemovedLab(3, ["network lab_links"]))


async def test_a_call_that_is_cancelled_has_ended_before_anything_else_begins() -> None:
    engine = FakeEngine()
    begun, interrupted, ended = threading.Event(), threading.Event(), threading.Event()
    engine.interrupt = interrupted.set  # type: ignore[method-assign]

    def long_call() -> None:
        begun.set()
        interrupted.wait(10)
        ended.set()

    task = asyncio.ensure_future(call_engine(engine, long_call))
    await eventually(begun.is_set, "the begin of the call")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()
