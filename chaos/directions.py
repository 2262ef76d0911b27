"""The directions of a link. This is the only file with Toxiproxy's names for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Direction(StrEnum):
    """The direction of a link that a fault affects."""

    to_client = "to_worker"
    to_server = "to_coordinator"
    both = "both"

    @classmethod
    def _missing_(cls, value: object) -> Direction | None:
        """Return the direction that a system calls `to_client` or `to_server`."""
        return next((direction for direction, name in _IN_SYSTEMS.items() if name == value), None)

    @property
    def in_systems(self) -> str:
        """Its name on the links of any system: to_client, to_server, both."""
        return _IN_SYSTEMS[self]

    @property
    def halves(self) -> frozenset[Direction]:
        """The one or two single directions."""
        if self is Direction.both:
            return frozenset((Direction.to_client, Direction.to_server))
        return frozenset((self,))


_IN_SYSTEMS = {
    Direction.to_client: "to_client",
    Direction.to_server: "to_server",
    Direction.both: "both",
}
# To Toxiproxy the worker is the client: what it sends flows upstream.
_STREAMS = {Direction.to_client: "downstream", Direction.to_server: "upstream", Direction.both: "both"}


@dataclass(frozen=True)
class LinkEnds:
    """What the two ends of a link are called where it is: in the reference system, or in any other."""

    client: str = "worker"
    server: str = "coordinator"

    @classmethod
    def of(cls, link: str) -> LinkEnds:
        """Return the ends of a link by its name, which has an arrow in every system but the reference."""
        return cls("client", "server") if "->" in link else cls()

    def name(self, direction: Direction) -> str:
        """Return a direction's name, as parameters have it: `to_client`."""
        return direction.value if self == LinkEnds() else direction.in_systems

    def way(self, direction: Direction) -> str:
        """Return a single direction in words: `to the client`."""
        return f"to the {self.client if direction is Direction.to_client else self.server}"


def in_words_of(link: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return a fault's or an anchor's parameters with the direction's name where the link is."""
    if "direction" not in params:
        return dict(params)
    return {**params, "direction": LinkEnds.of(link).name(Direction(params["direction"]))}


def stream(direction: Direction) -> str:
    """Return Toxiproxy's name of a direction, for its `/lab/faults` route."""
    return _STREAMS[direction]


def direction_of(stream_name: str) -> Direction:
    """The direction behind Toxiproxy's `upstream` or `downstream`."""
    return next(direction for direction, name in _STREAMS.items() if name == stream_name)
