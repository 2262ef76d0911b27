"""Labs of the conformance suite: made, changed and asked by a test."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace

from driver.cli.options import build_environment
from driver.engines.engine import HOST, Engine, LabSpec
from driver.engines.engine_kind import EngineKind
from driver.errors import PortInUseError
from driver.labs.lab_journals import new_journals
from driver.paths import project_root
from driver.reference.errors import CoordinatorError
from driver.reference.labs.lab import Lab, new_spec
from driver.reference.labs.lifecycle import bring_up
from driver.terminal import Terminal
from tests.ports import reserved_pair
from tests.waiting import eventually_in_thread
from wire.address import worker_name

WORKERS = 3
NAMES = [worker_name(index) for index in range(1, WORKERS + 1)]
BACK_WITHIN_S = 90.0
PORT_TRIES = 10


def engine_for(kind: EngineKind, purpose: str) -> Engine:
    """An engine for a lab of this process's own."""
    return kind.make(f"conf-{purpose}-{os.getpid()}", project_root(), build_environment)


def reserved(engine: Engine) -> LabSpec:
    """A specification whose ports are free where the engine publishes them, which may be on another host."""
    for _ in range(PORT_TRIES):
        with suppress(PortInUseError):
            return engine.reserve_addresses(new_spec(HOST, reserved_pair(HOST)))
    raise AssertionError(f"none of {PORT_TRIES} pairs of ports is free")


def new_lab(engine: Engine) -> Lab:
    """A lab of WORKERS workers that is up."""
    spec = reserved(engine)
    return scaled(engine, replace(spec, journals=new_journals(engine)), WORKERS)


def scaled(engine: Engine, spec: LabSpec, workers: int) -> Lab:
    """The lab of that specification with that many workers."""
    return asyncio.run(bring_up(engine, spec, workers, Terminal()))


def connected(lab: Lab) -> set[str]:
    """The workers that are connected, as the coordinator says; none where it does not answer."""

    async def ask() -> set[str]:
        async with lab.coordinator() as coordinator:
            state = await coordinator.state()
        return {one.name for one in state.workers if one.state == "connected"}

    try:
        return asyncio.run(ask())
    except CoordinatorError:
        return set()


def wait_connected(lab: Lab, names: Collection[str] = NAMES) -> None:
    """Wait until all these workers are connected."""
    eventually_in_thread(
        lambda: connected(lab) >= set(names), lambda: f"{names}; found {connected(lab)}", BACK_WITHIN_S, 0.2
    )


def wait_status(lab: Lab, name: str, status: str) -> None:
    """Wait until the engine gives a container that status."""
    eventually_in_thread(
        lambda: lab.engine.inspect(name).status == status,
        lambda: f"{name} {status}; found {lab.engine.inspect(name)}",
        BACK_WITHIN_S,
        0.1,
    )
