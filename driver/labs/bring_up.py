"""Starts a lab, scales one, and takes one down: the order of things, and nothing left behind."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from driver.background import background
from driver.engines.engine import CORE, PROBER, WORKER, Engine, LabSpec
from driver.errors import EngineError, EngineGoneError, LabError, SubnetInUseError
from driver.labs.lab import Lab, lab_of, links_for
from driver.labs.readiness import all_healthy, core_answers, show_connected, workers_connected
from driver.terminal import ProgressView, Terminal

STOP_GRACE_S = 5.0
ROOM_TRIES = 5
P = ParamSpec("P")
T = TypeVar("T")
_log = logging.getLogger("stormlab.up")


@dataclass(frozen=True)
class Down:
    """What taking a lab down met: how many containers there were, and what is left, if anything."""

    containers: int
    left: list[str]


async def bring_up(
    engine: Engine, spec: LabSpec, workers: int, terminal: Terminal, prober: bool = False
) -> Lab:
    """Start the core, then one link a worker, then the workers; return when all are connected and healthy.

    What stands already with the same specification is left as it is, so this scales a lab as well.
    """
    await in_thread(engine, engine.ensure_images, services(prober), terminal.info)
    lab = await start_core(engine, spec, terminal)
    await start_workers(lab, workers, terminal, prober)
    terminal.clear()
    return lab


def services(prober: bool) -> tuple[str, ...]:
    """What a lab is made of."""
    return (*CORE, WORKER, PROBER) if prober else (*CORE, WORKER)


async def start_core(engine: Engine, spec: LabSpec, terminal: Terminal) -> Lab:
    """The processes of Toxiproxy and of the coordinator; they may not answer yet."""
    terminal.show(ProgressView("starting Toxiproxy and the coordinator"))
    return lab_of(engine, await in_thread(engine, _up_core, engine, spec))


def _up_core(engine: Engine, spec: LabSpec) -> LabSpec:
    """Start the core; the specification that it was started with, since its room may have to be another."""
    for _ in range(ROOM_TRIES):
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
    """The workers' links, the workers and the prober, until all are connected and healthy."""
    terminal.show(ProgressView(f"starting {workers} workers"))
    also = (PROBER,) if prober else ()
    # Making many containers takes as long as the core needs to answer, so both go on at once. A worker that
    # found no link would wait before it tried again, so none starts before the links stand.
    async with background(_make_links(lab, workers, made := asyncio.Event())):
        await in_thread(lab.engine, lab.engine.create_workers, lab.spec, workers, also)
        await made.wait()
    async with background(show_connected(lab, workers, terminal)):
        await in_thread(lab.engine, lab.engine.start_created)
    await workers_connected(lab, workers, terminal)
    await all_healthy(lab, terminal)


async def _make_links(lab: Lab, workers: int, made: asyncio.Event) -> None:
    await core_answers(lab)
    await asyncio.to_thread(lab.links.create, links_for(lab, workers), True)
    made.set()


async def in_thread(engine: Engine, call: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    """Run a long call of the engine in a thread; cancelled, it is interrupted, and waited for.

    Whoever takes a lab down must not meet a thread that still brings it up.
    """
    running = asyncio.ensure_future(asyncio.to_thread(call, *args, **named))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        engine.interrupt()
        await asyncio.wait([running])
        # What it says of its own interruption is no news.
        running.exception()
        raise


async def take_down(engine: Engine, terminal: Terminal, grace_s: float = STOP_GRACE_S) -> Down:
    """Stop what stands in order, then remove everything that belongs to the project."""
    containers = await asyncio.to_thread(engine.containers)
    if containers:
        terminal.show(ProgressView(f"taking down {len(containers)} containers"))
    try:
        await asyncio.to_thread(engine.stop_all, grace_s)
    except EngineGoneError:
        raise
    except EngineError as error:
        # Whatever would not stop in order is removed by force.
        _log.debug("stopping in order: %s", error)
    left = await asyncio.to_thread(engine.down)
    terminal.clear()
    return Down(len(containers), left)


def refuse_leftovers(down: Down) -> None:
    """Raises LabError when something is still there."""
    if down.left:
        raise LabError(
            f"Still there after taking the lab down: {', '.join(down.left[:8])}.",
            "Try again: python lab.py down",
        )
