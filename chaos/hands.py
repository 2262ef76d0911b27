"""How faults touch the world. The driver implements it; a fault knows neither Docker nor HTTP.

Names are the lab's: a link or a worker's container is `worker-7`, the others are `coordinator` and
`toxiproxy`. Times are CLOCK_MONOTONIC in nanoseconds. Every call is bounded in time and raises HandsError
with a sentence when it could not be done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from chaos.directions import Direction


class HandsError(Exception):
    """Something could not be done to the lab: what, to which target, and why."""


class Action(StrEnum):
    """What happens to a link's connections at one blow, in the words of our Toxiproxy routes."""

    none = "none"
    cut = "cut"
    reset = "reset"
    refuse = "refuse"
    block_new = "block_new"


@dataclass(frozen=True)
class Toxic:
    """One toxic of our Toxiproxy build (chaos/toxiproxy/README.md), on one direction or both."""

    type: str
    direction: Direction
    attributes: Mapping[str, int | float | str] = field(default_factory=dict)


@dataclass(frozen=True)
class LinkEffect:
    """What a fault does to each of its links: toxics, or an action, or both."""

    toxics: tuple[Toxic, ...] = ()
    action: Action = Action.none


@dataclass(frozen=True)
class Strike:
    """One fault at one time on these targets. `begin_at_ns` None means now; `lease_ms` heals links when the
    driver falls silent.
    """

    fault_id: str
    targets: tuple[str, ...]
    seed: int = 0
    lease_ms: int = 10_000
    begin_at_ns: int | None = None


Times = Mapping[str, int]
"""Target → the instant at which it was hit, or healed."""


class Hands(Protocol):
    """All that a fault may do."""

    async def strike_links(self, strike: Strike, effect: LinkEffect) -> Times:
        """Put one effect on all links of the strike at once, or on none when one of them cannot be hit."""

    async def release_links(self, fault_id: str) -> Times:
        """End a link fault on all its links at once. One that ended by itself gives the times at which it
        did.
        """

    async def pause(self, container: str) -> int:
        """Freeze all processes of a container where they stand."""

    async def unpause(self, container: str) -> int:
        """Let a paused container go on."""

    async def kill(self, container: str) -> int:
        """SIGKILL: no goodbye, nothing saved that was not saved before."""

    async def stop(self, container: str, grace_s: float) -> int:
        """SIGTERM, and SIGKILL for who is still there after `grace_s`."""

    async def start(self, container: str) -> int:
        """Start a container that was killed or stopped; it comes back as itself (name, address, links)."""

    async def restart(self, container: str, grace_s: float) -> int:
        """Stop and start at once."""

    async def unplug(self, container: str) -> int:
        """Take a container off the network under test: no FIN, no RST, packets vanish."""

    async def plug(self, container: str) -> int:
        """Put it back with the same address and aliases, so that connections may survive."""

    async def limit(
        self, container: str, *, cpus: float | None = None, memory_bytes: int | None = None
    ) -> int:
        """Bound processor time or memory of a running container."""

    async def unlimit(self, container: str, *, cpus: bool = False, memory: bool = False) -> int:
        """Give it back the limits that it was made with: of processor time, of memory, or of both."""


def names(targets: Sequence[str], at_most: int = 6) -> str:
    """`worker-1, worker-2, … (20 in all)`: targets in a sentence."""
    if len(targets) <= at_most:
        return ", ".join(targets)
    return f"{', '.join(targets[:at_most])}, … ({len(targets)} in all)"
