"""Interface of a lab into which faults are injected by hand, and the reference lab as one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from chaos.targets import CLIENT
from driver.engines.engine import FaultEngine
from driver.histories.history import History
from driver.labs.fault_lab import FaultLab
from driver.labs.lab import Lab, links_named
from driver.labs.lab_journals import manual_journal_folder
from driver.labs.lab_prober import ensure_prober, request_probe_rate
from driver.labs.links import Links
from driver.labs.project_name import project_option
from driver.labs.toxiproxy_api import Link
from driver.scenarios.plan import PlannedFault
from driver.terminal import Terminal


class ClientRecords(Protocol):
    """What a lab's journals say of the clients on its links."""

    @property
    def client(self) -> str:
        """The noun for a client: a worker in the reference lab."""

    def clients(self, history: History) -> History | None:
        """Return a history in which each client is a worker; None where no journal has any."""

    def unknown_clients(self, history: History) -> Sequence[str]:
        """Return the clients of which the journals do not say enough; `clients` leaves them out."""


class InjectionSite(FaultLab, ClientRecords, Protocol):
    """A lab, the prober that observes its links, and the journals of both."""

    @property
    def journals(self) -> Sequence[Path]:
        """Folders of the journals of the lab and its prober; none where this machine cannot read them."""

    @property
    def driver_folder(self) -> Path:
        """The folder of the driver's own journal of injections by hand."""

    @property
    def option(self) -> str:
        """The option that names this lab to every command, after a space; "" for the default lab."""

    def wanted(self) -> list[Link]:
        """Return the links that must exist."""

    def note_ended(self, containers: Collection[str]) -> None:
        """Record that a fault by hand may end these containers. Raises LabError."""

    def ended_by_faults(self) -> Collection[str] | None:
        """Return the containers that faults by hand may have ended; None: any."""

    async def ensure_prober(self, terminal: Terminal) -> bool:
        """Start the prober unless it observes all links. Returns whether one does. Raises LabError."""

    async def follow_links(self) -> None:
        """Keep the prober on the links that the lab has, until cancelled. Returns where they do not change.

        Raises LabError.
        """

    def request_probe_rate(self, planned: Sequence[PlannedFault], zero_ns: int) -> None:
        """Raise the probe rate of the links under the planned faults, whose times count from `zero_ns`.

        Raises LabError where the request cannot be written.
        """


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
        return [one.name for one in self.lab.engine.containers() if one.service == CLIENT]

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
