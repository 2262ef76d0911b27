"""Interface through which faults act on the lab. The driver implements it; faults use neither Docker nor
HTTP.

A link or a client's container is named `worker-7`, the others are `coordinator` and `toxiproxy`; of any other
system a link is named `api[2]->db:5432` and a container `api[2]`. Times are
CLOCK_MONOTONIC in nanoseconds. Every call is bounded in time, and raises ActuatorError where it fails. A
call on a container returns the time at which the engine's call returned, which is after its effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from chaos.directions import Direction

if TYPE_CHECKING:
    # Its models need pydantic, which commands that read no scenario do without.
    from chaos.anchor import Anchor


class ActuatorError(Exception):
    """A call failed; the text says which, on which target, and why."""


class AnchorMissedError(ActuatorError):
    """The anchor of a fault did not come in its time: the fault did not begin, and is disarmed."""


class LinkAction(StrEnum):
    """Actions on all connections of a link at once, as the routes of our Toxiproxy build name them."""

    none = "none"
    cut = "cut"
    reset = "reset"
    refuse = "refuse"
    block_new = "block_new"
    fin_client = "fin_client"
    rst_client = "rst_client"
    fin_server = "fin_server"
    rst_server = "rst_server"


@dataclass(frozen=True)
class Toxic:
    """One toxic of our Toxiproxy build (chaos/toxiproxy/README.md), on one direction or both."""

    type: str
    direction: Direction
    attributes: Mapping[str, int | float | str] = field(default_factory=dict)


@dataclass(frozen=True)
class LinkEffect:
    """The effect of a fault on each of its links: toxics, an action, or both."""

    toxics: tuple[Toxic, ...] = ()
    action: LinkAction = LinkAction.none


@dataclass(frozen=True)
class Injection:
    """One injection of a fault into these targets.

    `seed` fixes the fault's random draws. A link fault begins at `begin_at_ns` (None: now), and ends by
    itself when the driver does not renew its lease for `lease_ms`. With an `anchor` it is armed then, and
    begins at the anchor, which comes within `within_s` or not at all.
    """

    fault_id: str
    targets: tuple[str, ...]
    seed: int = 0
    lease_ms: int = 10_000
    begin_at_ns: int | None = None
    anchor: Anchor | None = None
    within_s: float = 0.0


Times = Mapping[str, int]
"""Target → the time of its injection, or healing."""


class FaultActuator(Protocol):
    """All calls that a fault may use."""

    async def inject_links(self, injection: Injection, effect: LinkEffect) -> Times:
        """Begin one effect on all links of the injection at once, or on none where one of them fails.

        Returns once it has begun, with the time of its begin on each link. Raises AnchorMissedError where it
        has an anchor that does not come.
        """

    async def heal_links(self, fault_id: str) -> Times:
        """End a link fault on all its links at once.

        Returns the time of its end on each link, also where it ended by itself before. Repeating is safe.
        """

    async def pause(self, container: str) -> int:
        """Freeze all processes of a container."""

    async def unpause(self, container: str) -> int:
        """Resume a paused container."""

    async def kill(self, container: str) -> int:
        """Send SIGKILL to a container."""

    async def stop(self, container: str, grace_s: float) -> int:
        """Send SIGTERM, and SIGKILL to the processes that remain after `grace_s` seconds."""

    async def start(self, container: str) -> int:
        """Start a container that was killed or stopped, with the same name, address and link."""

    async def restart(self, container: str, grace_s: float) -> int:
        """Stop a container as `stop` does, and start it at once."""

    async def unplug(self, container: str) -> int:
        """Disconnect a container from the network under test: no FIN, no RST, packets are lost."""

    async def plug(self, container: str) -> int:
        """Reconnect a container with the same aliases, and the same address while it is free.

        Connections can then survive.
        """

    async def limit(
        self, container: str, *, cpus: float | None = None, memory_bytes: int | None = None
    ) -> int:
        """Limit a running container to `cpus` cores or `memory_bytes`; None leaves that limit unchanged."""

    async def unlimit(self, container: str, *, cpus: bool = False, memory: bool = False) -> int:
        """Restore the limits that the container was created with: processor time, memory, or both."""


def name_list(targets: Sequence[str], at_most: int = 6) -> str:
    """Return targets for a sentence: `worker-1, worker-2, … (20 in all)`."""
    if len(targets) <= at_most:
        return ", ".join(targets)
    return f"{', '.join(targets[:at_most])}, … ({len(targets)} in all)"
