"""Starts the reference lab, changes its number of workers, and starts it again after a run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ParamSpec, TypeVar

from chaos.targets import CLIENT
from driver.background import background
from driver.engines.engine import CORE, MONITORS, PROBER, Engine, LabSpec, services
from driver.errors import LabError, SubnetInUseError
from driver.interrupts import to_completion
from driver.labs.lab_journals import new_journals
from driver.labs.take_down import take_down
from driver.reference.labs.lab import Lab, lab_of, links_for
from driver.reference.labs.paced_start import start_created
from driver.reference.labs.readiness import wait_for_core, wait_for_workers
from driver.terminal import ProgressView, Terminal

SUBNET_TRIES = 5
P = ParamSpec("P")
T = TypeVar("T")
_log = logging.getLogger("stormlab.up")


async def bring_up(
    engine: Engine, spec: LabSpec, workers: int, terminal: Terminal, prober: bool = False
) -> Lab:
    """Start a lab, and return when all workers are connected, by the coordinator's state.

    Containers that already run with the same specification are left unchanged, so that this also changes the
    number of workers. Raises LabError: NotReadyError after a deadline, EngineError, PortInUseError.
    """
    await call_engine(engine, engine.ensure_images, services(prober), terminal.info)
    lab = await start_core(engine, spec, terminal)
    await start_workers(lab, workers, terminal, prober)
    terminal.clear()
    return lab


async def start_core(engine: Engine, spec: LabSpec, terminal: Terminal) -> Lab:
    """Start Toxiproxy and the coordinator, which may not answer yet. Raises LabError."""
    terminal.show(ProgressView("starting Toxiproxy and the coordinator"))
    return lab_of(engine, await call_engine(engine, _up_core, engine, spec))


def _up_core(engine: Engine, spec: LabSpec) -> LabSpec:
    """Start the core. Returns its specification, with other networks where those of `spec` were taken."""
    for _ in range(SUBNET_TRIES):
        try:
            engine.up(spec, CORE)
        except SubnetInUseError as error:
            _log.debug("%s", error)
            engine.down()
            spec = engine.reserve_addresses(spec)
        else:
            return spec
    raise LabError("Other labs take every network before this one can.", "Try again in a moment.")


async def start_workers(lab: Lab, workers: int, terminal: Terminal, prober: bool) -> None:
    """Create the links, start the workers and the prober, and wait until all workers are connected.

    Raises LabError: NotReadyError after a deadline, EngineError, LinksError.
    """
    terminal.show(ProgressView(f"starting {workers} workers"))
    also = (PROBER,) if prober else ()
    # Containers are created while the core starts. Workers start after the links: one that finds no link
    # waits before its next attempt.
    async with background(_create_links(lab, workers, created := asyncio.Event())):
        await call_engine(lab.engine, lab.engine.create_clients, lab.spec, workers, also)
        await created.wait()
    await start_created(lab, workers, terminal)
    await wait_for_workers(lab, workers, terminal)


async def _create_links(lab: Lab, workers: int, created: asyncio.Event) -> None:
    await wait_for_core(lab)
    await asyncio.to_thread(lab.links.create, links_for(lab, workers), True)
    created.set()


async def call_engine(engine: Engine, call: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    """Run a long call of the engine in a thread, and raise its errors.

    A cancellation interrupts the call and waits for its end, so that no thread still creates containers while
    the lab is taken down.
    """
    return await to_completion(asyncio.to_thread(call, *args, **named), on_cancel=engine.interrupt)


@dataclass(frozen=True)
class LabSnapshot:
    """A lab as it can be started again: specification, number of workers, whether Prometheus runs."""

    spec: LabSpec
    workers: int
    monitored: bool = False


def lab_snapshot(engine: Engine) -> LabSnapshot | None:
    """Return a snapshot of the existing lab. Raises EngineError.

    None where there is none, or only the containers of a run whose driver was killed.
    """
    spec = engine.existing_spec()
    if spec is None or (spec.journals is not None and belongs_to_run(spec.journals)):
        return None
    services = [one.service for one in engine.containers()]
    return LabSnapshot(spec, services.count(CLIENT), any(name in services for name in MONITORS))


async def restart_lab(engine: Engine, snapshot: LabSnapshot, terminal: Terminal) -> None:
    """Replace the containers of a run by a lab like `snapshot`, as `up` starts it.

    A failure is a warning, and leaves no lab: the run already has its verdict. Raises LabError only where the
    lab cannot be taken down.
    """
    terminal.info(f"Leaving a fresh lab {engine.project!r} with {snapshot.workers} workers up.")
    try:
        if await asyncio.to_thread(engine.containers):
            await take_down(engine, terminal)
        # Later events do not belong to the run's journals.
        wanted = replace(snapshot.spec, journals=new_journals(engine))
        spec = await asyncio.to_thread(engine.reserve_addresses, wanted)
        lab = await bring_up(engine, spec, snapshot.workers, terminal)
        if snapshot.monitored:
            await asyncio.to_thread(engine.up, lab.spec, MONITORS)
    except LabError as error:
        terminal.warn(f"The lab {engine.project!r} could not be left up, and is down: {error.sentence}")
        await take_down(engine, terminal)


def belongs_to_run(journals: Path) -> bool:
    """Return whether a lab's folder of journals is that of a run."""
    return (journals.parent / "run.json").is_file()
