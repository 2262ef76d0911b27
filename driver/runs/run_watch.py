"""Keeps an eye on the coordinator while a run lasts: for the live line, and for whoever waits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from driver.errors import CoordinatorError, RunAbortedError
from driver.labs.coordinator_client import CoordinatorClient
from driver.labs.readiness import away
from driver.scenarios.abort_when import AbortMonitor
from driver.terminal import ProgressView, Terminal
from wire.control import CoordinatorState

EVERY_S = 0.5


class Watcher:
    """The newest state of the coordinator, asked twice a second. `faults` names those that are on."""

    def __init__(
        self,
        coordinator: CoordinatorClient,
        workers: Sequence[str],
        terminal: Terminal,
        faults: Callable[[], list[str]],
        abort: AbortMonitor,
    ) -> None:
        self._coordinator = coordinator
        self._workers = workers
        self._terminal = terminal
        self._faults = faults
        self._abort = abort
        self.may_abort = False
        self.phase = ""
        self.ends_at_ns: int | None = None
        self.state: CoordinatorState | None = None

    async def watch(self) -> None:
        """Ask and show until cancelled. Raises RunAbortedError when the run is to end early."""
        while True:
            because = self._abort.look(time.monotonic(), await self.look())
            if because and self.may_abort:
                raise RunAbortedError(because)
            await asyncio.sleep(EVERY_S)

    async def look(self) -> CoordinatorState | None:
        """Ask once; None when the coordinator does not answer, as under a fault of its own."""
        try:
            self.state = await self._coordinator.state()
        except CoordinatorError:
            self.state = None
        self._show()
        return self.state

    def missing(self) -> list[str]:
        """Workers that are not connected, as far as is known now."""
        return list(self._workers) if self.state is None else away(self.state, self._workers)

    def _show(self) -> None:
        left_s = None if self.ends_at_ns is None else (self.ends_at_ns - time.monotonic_ns()) / 1e9
        board = ProgressView(self.phase, workers=len(self._workers), faults=self._faults(), left_s=left_s)
        if self.state is not None:
            counts = self.state.counts
            board = replace(
                board,
                connected=len(self._workers) - len(self.missing()),
                done=counts.completed,
                submitted=counts.submitted,
                failed=counts.failed,
            )
        self._terminal.show(board)
