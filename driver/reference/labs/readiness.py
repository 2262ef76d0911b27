"""Waits for conditions of a lab. An error names what is missing, and has the last lines of its log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

from chaos.actuator import name_list
from chaos.targets import SERVER, TOXIPROXY
from driver.engines.engine import CORE
from driver.errors import EngineError, NotReadyError
from driver.labs.machine_monitor import machine_load_text
from driver.reference.coordinator_client import CoordinatorClient
from driver.reference.errors import CoordinatorError
from driver.reference.labs.lab import Lab
from driver.terminal import ProgressView, Terminal
from wire.address import worker_name
from wire.control import CoordinatorState

POLL_S = 0.1
CHECK_EVERY_S = 0.5
CORE_LIMIT_S = 120.0
WORKERS_LIMIT_S = 90.0
LIMIT_PER_WORKER_S = 1.0
"""Limits of waits, which end as soon as their conditions hold; enough for a machine that is far too busy."""
LOG_LINES = 5


class ReadinessWait:
    """One wait, which fails at its deadline, and as soon as a container that is waited for has ended."""

    def __init__(self, lab: Lab, limit_s: float, check_every_s: float = CHECK_EVERY_S) -> None:
        self._check_every_s = check_every_s
        self._lab = lab
        self._limit_s = limit_s
        self._deadline = time.monotonic() + limit_s
        self._check_at = time.monotonic() + check_every_s

    async def tick(self, waited_for: Sequence[str], what: str) -> None:
        """Wait POLL_S. Raises NotReadyError about `what` of the containers `waited_for`, and EngineError."""
        now = time.monotonic()
        if now > self._check_at:
            self._check_at = now + self._check_every_s
            await asyncio.to_thread(self._fail_if_ended, waited_for)
        if now > self._deadline:
            log = await asyncio.to_thread(log_tail, self._lab, waited_for[0])
            raise NotReadyError(
                f"{what} after {self._limit_s:.0f} s: {name_list(waited_for)}. {machine_load_text()}{log}"
            )
        await asyncio.sleep(POLL_S)

    def _fail_if_ended(self, waited_for: Sequence[str]) -> None:
        for one in self._lab.engine.containers():
            if one.name in waited_for and one.status in ("exited", "dead"):
                code = self._lab.engine.inspect(one.name).exit_code
                raise NotReadyError(
                    f"{one.name} ended with exit code {code} while starting.{log_tail(self._lab, one.name)}"
                )


async def wait_for_core(lab: Lab) -> None:
    """Wait until Toxiproxy and the coordinator answer. Raises NotReadyError, EngineError."""
    wait = ReadinessWait(lab, CORE_LIMIT_S)
    async with lab.coordinator() as coordinator:
        missing = set(CORE)
        while True:
            if TOXIPROXY in missing and await asyncio.to_thread(lab.links.is_up):
                missing.discard(TOXIPROXY)
            if SERVER in missing and await _accepts_work(coordinator):
                missing.discard(SERVER)
            if not missing:
                return
            await wait.tick(sorted(missing), "No answer")


async def wait_for_workers(lab: Lab, workers: int, terminal: Terminal) -> None:
    """Wait until every worker is connected. Raises NotReadyError, CoordinatorError, EngineError."""
    names = [worker_name(index) for index in range(1, workers + 1)]
    board = ProgressView("waiting for the workers to connect", clients=workers)
    wait = ReadinessWait(lab, WORKERS_LIMIT_S + LIMIT_PER_WORKER_S * workers)
    async with lab.coordinator() as coordinator:
        while missing := disconnected(await coordinator.state(), names):
            terminal.show(replace(board, connected=workers - len(missing)))
            await wait.tick(missing, "Workers not connected")


def disconnected(state: CoordinatorState, names: Sequence[str]) -> list[str]:
    """Return the workers of `names` that are not connected."""
    connected = {worker.name for worker in state.workers if worker.state == "connected"}
    return [name for name in names if name not in connected]


def log_tail(lab: Lab, name: str) -> str:
    """Return the last lines of a container's log for the end of an error; "" where it cannot be read."""
    try:
        lines = lab.engine.log(name, LOG_LINES).splitlines()
    except EngineError:
        return ""
    shown = "".join(f"\n  {line.partition(' ')[2]}" for line in lines)
    return f"\nLast lines of {name}:{shown or ' none'}\n"


async def _accepts_work(coordinator: CoordinatorClient) -> bool:
    try:
        await coordinator.health()
    except CoordinatorError:
        return False
    return True
