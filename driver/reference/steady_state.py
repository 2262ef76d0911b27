"""Waits on the coordinator's state: until a fleet is ready, has converged, and its work is done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from chaos.actuator import name_list
from driver.errors import NotReadyError, RunAbortedError
from driver.reference.coordinator_client import CoordinatorClient
from driver.reference.errors import CoordinatorError
from driver.reference.labs.readiness import disconnected
from driver.reference.scenarios.live_signals import AbortMonitor
from driver.runs.phase import PhaseEnd
from driver.runs.run_subject import RunProgress
from driver.terminal import Terminal
from wire.control import CoordinatorState

POLL_EVERY_S = 0.5
WAIT_POLL_S = 0.1
READY_GRACE_S = 30.0


class StateSource(Protocol):
    """The coordinator's state: the newest one, and a request for another."""

    @property
    def state(self) -> CoordinatorState | None:
        """The newest state; None when the last request had no answer."""

    async def poll(self) -> CoordinatorState | None:
        """Request the state; None without an answer."""

    def disconnected(self) -> list[str]:
        """The workers that are not connected in the newest state."""


class LoadProgress(Protocol):
    """A load, and whether all of its tasks are submitted."""

    @property
    def finished(self) -> bool:
        """Whether each task is accepted, rejected or given up."""


class StatePoller:
    """Requests the coordinator's state twice a second, shows progress, and applies the abort conditions.

    `faults` returns the active faults as text. `progress` is shown, and says whether the run may be aborted.
    """

    def __init__(
        self,
        coordinator: CoordinatorClient,
        workers: Sequence[str],
        terminal: Terminal,
        faults: Callable[[], list[str]],
        abort: AbortMonitor,
        progress: RunProgress,
    ) -> None:
        self._coordinator = coordinator
        self._workers = workers
        self._terminal = terminal
        self._faults = faults
        self._abort = abort
        self._progress = progress
        self.state: CoordinatorState | None = None

    async def run(self) -> None:
        """Poll and show until cancelled. Raises RunAbortedError when an abort condition holds."""
        while True:
            because = self._abort.look(time.monotonic(), await self.poll())
            if because and self._progress.may_abort:
                raise RunAbortedError(because)
            await asyncio.sleep(POLL_EVERY_S)

    async def poll(self) -> CoordinatorState | None:
        """Request the state; None without an answer, as under a fault of the coordinator."""
        try:
            self.state = await self._coordinator.state()
        except CoordinatorError:
            self.state = None
        self._show()
        return self.state

    def disconnected(self) -> list[str]:
        """Return the workers that are not connected in the newest state; all without one."""
        return list(self._workers) if self.state is None else disconnected(self.state, self._workers)

    def _show(self) -> None:
        view = replace(self._progress.view(self._faults()), clients=len(self._workers))
        if self.state is not None:
            counts = self.state.counts
            view = replace(
                view,
                connected=len(self._workers) - len(self.disconnected()),
                done=counts.completed,
                submitted=counts.submitted,
                failed=counts.failed,
            )
        self._terminal.show(view)


async def wait_ready(
    source: StateSource, due_ns: int, traffic: bool, grace_s: float = READY_GRACE_S
) -> float:
    """Wait until `due_ns`, until all workers are connected and, with `traffic`, a task is completed.

    Return how many seconds after `due_ns` that was. Raises NotReadyError `grace_s` after it.
    """
    deadline_ns = due_ns + round(grace_s * 1e9)
    while True:
        missing = source.disconnected()
        idle = traffic and (source.state is None or source.state.counts.completed == 0)
        now_ns = time.monotonic_ns()
        if not missing and not idle and now_ns >= due_ns:
            return max(0.0, (now_ns - due_ns) / 1e9 - WAIT_POLL_S)
        if now_ns > deadline_ns:
            why = f"not connected: {name_list(missing)}" if missing else "no task was completed"
            raise NotReadyError(
                f"No steady state before the first fault: {why}.", "See the run's logs/ folder."
            )
        await asyncio.sleep(WAIT_POLL_S)


async def wait_converged(source: StateSource, within_s: float, end: PhaseEnd) -> None:
    """Wait until every worker is connected; after `within_s` the phase's end is failed."""
    deadline = time.monotonic() + within_s
    while (await source.poll()) is None or source.disconnected():
        if time.monotonic() > deadline:
            end.outcome = "failed"
            end.detail = f"after {within_s:.0f} s not connected: {name_list(source.disconnected())}"
            return
        await asyncio.sleep(WAIT_POLL_S)


async def wait_drained(source: StateSource, load: LoadProgress, within_s: float, end: PhaseEnd) -> None:
    """Wait until all tasks are submitted and done; after `within_s` the phase's end is failed."""
    deadline = time.monotonic() + within_s
    while True:
        state = await source.poll()
        if load.finished and state is not None and state.counts.waiting + state.counts.assigned == 0:
            return
        if time.monotonic() > deadline:
            end.outcome = "failed"
            open_tasks = "unknown" if state is None else str(state.counts.waiting + state.counts.assigned)
            end.detail = f"after {within_s:.0f} s still open: {open_tasks} tasks"
            return
        await asyncio.sleep(WAIT_POLL_S)
