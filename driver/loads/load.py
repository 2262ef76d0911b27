"""The base of every kind of load: what a scenario says of it, and how a run uses it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Protocol

from pydantic import Field

from chaos.model import Strict
from chaos.unit_types import Seconds
from driver.histories.system_events import OK
from driver.loads.operation_log import OperationLog


class OutsideAddress(Protocol):
    """A port of a service, and the address at which this host publishes it."""

    @property
    def service(self) -> str: ...

    @property
    def port(self) -> int: ...

    @property
    def address(self) -> str: ...


@dataclass(frozen=True)
class OutsideNetwork:
    """The network on which doors take connections from outside: its project's name, its own, and the address
    there of each published port, by service and port.
    """

    project: str
    name: str
    addresses: Mapping[tuple[str, int], str]


class LoadAccess(Protocol):
    """How a load reaches the system: the part of SystemAccess that loads use. Its calls may block."""

    def published(self) -> Sequence[OutsideAddress]:
        """Return the published ports of the system. Raises LabError."""

    def inside(self, service: str, port: int, replica: int = 1) -> str:
        """Return `address:port` of a replica on its own network, beside the doors. Raises LabError."""

    def outside_network(self) -> OutsideNetwork:
        """Return the network on which doors take connections from outside."""


@dataclass(frozen=True)
class LoadContext:
    """One load of one run.

    It begins at `zero_ns` (CLOCK_MONOTONIC) and lasts `duration_s`; `seed` fixes all that it draws. `folder`
    is where it may keep what its commands print, `home` that of the scenario's file. `written` are the keys
    that each load of the run has lately written.
    """

    name: str
    access: LoadAccess
    operations: OperationLog
    zero_ns: int
    duration_s: float
    seed: int
    folder: Path
    home: Path
    written: Mapping[str, Sequence[str]]

    @property
    def variables(self) -> dict[str, str]:
        """Return the variables of each program of this load."""
        return {"STORMLAB_LOAD": self.name, "STORMLAB_SEED": str(self.seed)}


class Load(Strict):
    """One load, as in `workload:` of a scenario. A kind is a class of its own, in a file of this package.

    `name` is the kind's name and the key that selects it: `http: GET http://web:8000/`.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    is_slow: ClassVar[bool] = False
    """Whether its first operation may last longer than the time before the first fault."""
    expects: ClassVar[tuple[str, ...]] = ()
    """Checks that a scenario with such a load has without naming them."""

    timeout_s: Annotated[
        Seconds, Field(gt=0, le=600, description="how long one operation may take before it is unknown")
    ] = 5.0

    into: Annotated[
        str, Field(description="another load, as whose operations its own are recorded: reads beside writes")
    ] = ""

    @property
    def others(self) -> tuple[str, ...]:
        """Other loads of the scenario that it needs, by their names."""
        return (self.into,) if self.into else ()

    @property
    def services(self) -> Mapping[tuple[str | int, ...], str]:
        """The service that each of its keys names, by the key's path."""
        return {}

    def check(self, home: Path) -> None:
        """Raise ValueError where a file that it needs, from the scenario's folder `home`, is not there."""

    @abstractmethod
    async def run(self, context: LoadContext) -> None:
        """Call the system until the load's time is over, and write each operation when it has ended.

        A cancelled call ends all that it started. Raises LabError where the load cannot run at all; what the
        system does is in the operations.
        """

    def has_succeeded(self, operations: OperationLog) -> bool:
        """Whether it has shown that the system answers it, so that faults may begin."""
        return operations.counts[OK] > 0

    async def after(self, context: LoadContext) -> None:
        """Do what is to be done once all faults are healed and the system has settled. Raises LabError."""
