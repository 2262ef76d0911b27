"""What a run needs of the system that it runs on: the reference system, or a foreign one behind doors."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from driver.engines.engine import RunEngine
from driver.histories.driver_journal import DriverJournal
from driver.labs.fault_lab import LinkControl
from driver.labs.take_down import RemovedLab
from driver.labs.toxiproxy_api import Link
from driver.results.run_folder import RecordedSystem
from driver.runs.phase import PhaseEnd
from driver.terminal import ProgressView


@dataclass(frozen=True)
class RunFacts:
    """What the record of a run says of its system, before anything starts.

    `processes` will leave a journal each, beside the driver; `clients` are those of the reference system.
    """

    versions: Mapping[str, str]
    images: Mapping[str, str]
    processes: Sequence[str]
    clients: Sequence[str] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    system: RecordedSystem | None = None


@dataclass
class RunProgress:
    """How far a run is: what is shown of it, and whether its own conditions may abort it now."""

    phase: str = ""
    ends_at_ns: int | None = None
    may_abort: bool = False

    def view(self, faults: list[str]) -> ProgressView:
        """Return what the terminal shows of it; `faults` are the active ones as text."""
        left_s = None if self.ends_at_ns is None else (self.ends_at_ns - time.monotonic_ns()) / 1e9
        return ProgressView(self.phase, faults=faults, left_s=left_s)


@dataclass(frozen=True)
class RunContext:
    """What a system's activity gets of its run.

    `zero_ns` is when the load begins (CLOCK_MONOTONIC); `faults` returns the active faults as text; `folder`
    is the run's.
    """

    folder: Path
    journal: DriverJournal
    zero_ns: int
    faults: Callable[[], list[str]]
    progress: RunProgress


class RunLab(Protocol):
    """The lab of a run while it is up, as faults and healing use it."""

    @property
    def engine(self) -> RunEngine:
        """The containers on which faults act."""

    @property
    def links(self) -> LinkControl:
        """The links on which faults act."""


class RunActivity(Protocol):
    """Load and state of a system while a run lasts."""

    def work(self) -> Sequence[Coroutine[object, object, None]]:
        """Return what is to run in the background, once. It may raise LabError, and RunAbortedError."""

    async def wait_ready(self, due_ns: int) -> float:
        """Wait until `due_ns`, and until the system is in a steady state, in which faults can show an effect.

        Return how many seconds after `due_ns` that was. Raises NotReadyError where it is not reached.
        """

    async def wait_load_over(self, measured_until_ns: int | None, end_ns: int) -> None:
        """Wait until `end_ns`, when the last of the load is due.

        A load that may end at `measured_until_ns` or later ends as soon as all that is expected is decided.
        """

    async def wait_converged(self, within_s: float, end: PhaseEnd) -> None:
        """Wait until the system has recovered; after `within_s` the phase's end is failed."""

    async def wait_drained(self, within_s: float, end: PhaseEnd) -> None:
        """Wait until the load is over and its work done; after `within_s` the phase's end is failed."""

    async def finish(self) -> None:
        """Record what is to be known of the system once all is over."""


class RunSubject(Protocol):
    """One system of a run. Calls raise LabError."""

    @property
    def clients(self) -> Sequence[str]:
        """The clients that are known before the start; those of a system behind doors are not."""

    @property
    def notice_s(self) -> float:
        """After how many seconds of silence one of two ends closes a connection."""

    async def prepare(self) -> RunFacts:
        """Make all that a start needs: images, addresses. Nothing but what a run before left is up
        afterwards. Called once, first.
        """

    async def up(self, folder: Path) -> None:
        """Start the system unless it is up. Its processes write their journals into a run's `folder`."""

    async def ready(self) -> None:
        """Wait until all of it is up, and its links and prober are."""

    @property
    def engine(self) -> RunEngine | None:
        """The engine of its containers; None before any can exist."""

    @property
    def lab(self) -> RunLab:
        """The lab, once it is up."""

    def links(self) -> list[Link]:
        """Return the links that must exist now."""

    def ended_by_faults(self) -> Collection[str] | None:
        """Return the containers that faults of this run may end, and the lab's own; None: any."""

    def probe(self, zero_ns: int) -> None:
        """Raise the prober's rate around each fault of the plan, whose times count from `zero_ns`."""

    def activity(self, context: RunContext) -> AbstractAsyncContextManager[RunActivity]:
        """Return the system's load and state, for the time of the run."""

    def fetch_journals(self, into: Path) -> list[str]:
        """Copy journals that are not there; return a sentence about each foreign file beside them."""

    @property
    def logs_since_s(self) -> float | None:
        """The wall time from which logs are this run's; None for all of them."""

    async def take_down(self) -> RemovedLab:
        """Remove all of it, whatever is up."""

    async def keep(self) -> None:
        """Leave a fresh lab up, after a run that was taken down."""

    def interrupt(self) -> None:
        """End a call that another thread is in."""
