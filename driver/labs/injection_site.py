"""Interface of a lab into which faults are injected by hand."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Protocol

from driver.histories.history import History
from driver.labs.fault_lab import FaultLab
from driver.labs.toxiproxy_api import Link
from driver.scenarios.plan import PlannedFault
from driver.terminal import Terminal


class ClientRecords(Protocol):
    """What a lab's journals say of the clients on its links."""

    @property
    def client(self) -> str:
        """The noun for a client: `worker` in the reference lab."""

    def clients(self, history: History) -> History | None:
        """Return a history of the clients' connections; None where no journal has any."""

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
