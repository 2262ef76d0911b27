"""The reference lab as one into which faults are injected by hand."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from driver.engines.engine import FaultEngine
from driver.histories.history import History
from driver.labs.lab_journals import manual_journal_folder
from driver.labs.lab_prober import request_probe_rate
from driver.labs.project_name import project_option
from driver.labs.toxiproxy_api import Link
from driver.reference.labs.lab import Lab, links_named
from driver.reference.labs.lab_prober import ensure_prober
from driver.reference.labs.links import Links
from driver.reference.system import WORKER
from driver.scenarios.plan import PlannedFault
from driver.terminal import Terminal


@dataclass(frozen=True)
class ReferenceSite:
    """The reference lab as an InjectionSite, whose contracts are those of its methods."""

    lab: Lab

    @property
    def engine(self) -> FaultEngine:
        return self.lab.engine

    @property
    def links(self) -> Links:
        return self.lab.links

    @property
    def journals(self) -> Sequence[Path]:
        return [] if self.lab.spec.journals is None else [self.lab.spec.journals]

    @property
    def driver_folder(self) -> Path:
        return manual_journal_folder(self.lab.engine.project)

    @property
    def option(self) -> str:
        return project_option(self.lab.engine.project)

    @property
    def client(self) -> str:
        return "worker"

    @cached_property
    def _workers(self) -> list[str]:
        return [one.name for one in self.lab.engine.containers() if one.service == WORKER]

    def wanted(self) -> list[Link]:
        return links_named(self.lab, self._workers)

    def clients(self, history: History) -> History:
        return history

    def unknown_clients(self, history: History) -> Sequence[str]:
        """Return none: a worker's journal leaves no line out."""
        return ()

    def note_ended(self, containers: Collection[str]) -> None:
        """Record nothing: whatever ended, a heal starts it again."""

    def ended_by_faults(self) -> None:
        """Return None: any."""

    async def ensure_prober(self, terminal: Terminal) -> bool:
        await ensure_prober(self.lab, len(self._workers), terminal)
        return bool(self.journals)

    async def follow_links(self) -> None:
        """Return at once: each link keeps its address."""

    def request_probe_rate(self, planned: Sequence[PlannedFault], zero_ns: int) -> None:
        if self.lab.spec.journals is not None:
            request_probe_rate(self.lab.spec.journals, planned, self._workers, zero_ns)
