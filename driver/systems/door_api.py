"""The API of one door: its pairs, and the links of a pair's replicas."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from driver.labs.toxiproxy_api import ToxiproxyApi
from driver.systems.door_compose import DoorPair, Peer


class _Pairs(msgspec.Struct):
    pairs: list[DoorPair]


class _Peers(msgspec.Struct):
    links: list[str]


class DoorApi(ToxiproxyApi):
    """One door's Toxiproxy. Every call blocks, is bounded, and raises LinksError."""

    def pairs(self) -> list[DoorPair]:
        """Return the pairs that this door carries."""
        return self._ask("GET", "/lab/pairs", _Pairs).pairs

    def ensure(self, peers: Iterable[Peer]) -> None:
        """Make the links of these replicas, also where a replica has not connected yet."""
        self._ask("PUT", "/lab/peers", _Peers, {"peers": list(peers)})
