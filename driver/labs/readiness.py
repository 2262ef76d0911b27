"""Waits for conditions of a lab, never for times; a wait that fails says what was seen, and the last log."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from driver.engines.engine import CORE
from driver.errors import CoordinatorError, EngineError, NotReadyError
from driver.labs.coordinator_client import CoordinatorClient
from driver.labs.lab import Lab
from driver.terminal import ProgressView, Terminal
from wire.address import worker_name
from wire.control import CoordinatorState

POLL_S = 0.1
LOOK_EVERY_S = 0.5
# A wait ends with its condition: these bounds are for a machine that is far too busy, and cost nobody time.
CORE_LIMIT_S = 120.0
WORKERS_LIMIT_S = 90.0
LIMIT_PER_WORKER_S = 1.0
LOG_LINES = 5
NAMED = 5


class Watch:
    """Stands beside a wait: fails at the deadline, and as soon as a process that is waited for has ended."""

    def __init__(self, lab: Lab, limit_s: float) -> None:
        self._lab = lab
        self._limit_s = limit_s
        self._deadline = time.monotonic() + limit_s
        self._look_at = time.monotonic() + LOOK_EVERY_S

    async def tick(self, waited_for: Sequence[str], what: str) -> None:
        """Wait a moment. Raises NotReadyError: `what` is missing, of the processes `waited_for`."""
        now = time.monotonic()
        if now > self._look_at:
            self._look_at = now + LOOK_EVERY_S
            await asyncio.to_thread(self._fail_if_ended, waited_for)
        if now > self._deadline:
            log = await asyncio.to_thread(last_lines, self._lab, waited_for[0])
            raise NotReadyError(
                f"{what} after {self._limit_s:.0f} s: {named(waited_for)}. {machine_load()}{log}"
            )
        await asyncio.sleep(POLL_S)

    def _fail_if_ended(self, waited_for: Sequence[str]) -> None:
        for one in self._lab.engine.containers():
            if one.name in waited_for and one.status in ("exited", "dead"):
                code = self._lab.engine.inspect(one.name).exit_code
                raise NotReadyError(
                    f"{one.name} ended with exit code {code} while starting.{last_lines(self._lab, one.name)}"
                )


def machine_load() -> str:
    """How busy this machine is, as a sentence: whoever reads of a wait that ran out asks this first."""
    return f"This machine's load is {os.getloadavg()[0]:.1f} on {os.cpu_count() or 1} cores."


async def core_answers(lab: Lab) -> None:
    """Wait until Toxiproxy and the coordinator answer. Raises NotReadyError."""
    watch = Watch(lab, CORE_LIMIT_S)
    async with lab.coordinator() as coordinator:
        silent = set(CORE)
        while True:
            if "toxiproxy" in silent and await asyncio.to_thread(lab.links.is_up):
                silent.discard("toxiproxy")
            if "coordinator" in silent and await _takes_work(coordinator):
                silent.discard("coordinator")
            if not silent:
                return
            await watch.tick(sorted(silent), "No answer")


async def workers_connected(lab: Lab, workers: int, terminal: Terminal) -> None:
    """Wait until every worker is connected. Raises NotReadyError."""
    names = [worker_name(index) for index in range(1, workers + 1)]
    board = ProgressView("waiting for the workers to connect", workers=workers)
    watch = Watch(lab, WORKERS_LIMIT_S + LIMIT_PER_WORKER_S * workers)
    async with lab.coordinator() as coordinator:
        while missing := away(await coordinator.state(), names):
            terminal.show(replace(board, connected=workers - len(missing)))
            await watch.tick(missing, "Workers not connected")


async def show_connected(lab: Lab, workers: int, terminal: Terminal) -> None:
    """Tell how many workers are connected while more are being started, until cancelled."""
    names = [worker_name(index) for index in range(1, workers + 1)]
    async with lab.coordinator() as coordinator:
        while True:
            with suppress(CoordinatorError):
                here = workers - len(away(await coordinator.state(), names))
                terminal.show(ProgressView("starting workers", workers=workers, connected=here))
            await asyncio.sleep(LOOK_EVERY_S)


async def all_healthy(lab: Lab, terminal: Terminal) -> None:
    """Wait until the engine's own health checks agree. Raises NotReadyError."""
    terminal.show(ProgressView("waiting for the health checks"))
    watch = Watch(lab, WORKERS_LIMIT_S)
    while sick := [
        one.name
        for one in await asyncio.to_thread(lab.engine.containers)
        if one.health not in ("healthy", "")
    ]:
        await watch.tick(sick, "Not healthy")


def away(state: CoordinatorState, names: Sequence[str]) -> list[str]:
    """Those of `names` that are not connected."""
    here = {worker.name for worker in state.workers if worker.state == "connected"}
    return [name for name in names if name not in here]


def named(names: Sequence[str]) -> str:
    """`worker-1, worker-2, … (20 in all)`."""
    few = ", ".join(names[:NAMED])
    return few if len(names) <= NAMED else f"{few}, … ({len(names)} in all)"


def last_lines(lab: Lab, name: str) -> str:
    """The end of a container's log, as the end of an error's sentence."""
    try:
        lines = lab.engine.log(name, LOG_LINES).splitlines()
    except EngineError:
        return ""
    shown = "".join(f"\n  {line.partition(' ')[2]}" for line in lines)
    return f"\nLast lines of {name}:{shown or ' none'}\n"


async def _takes_work(coordinator: CoordinatorClient) -> bool:
    try:
        await coordinator.health()
    except CoordinatorError:
        return False
    return True
