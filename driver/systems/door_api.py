"""The API of one door: its pairs, and the links of a pair's replicas."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from driver.labs.toxiproxy_api import ToxiproxyApi
from driver.systems.doors import DoorPair, Peer


class _Pairs(msgspec.Struct):
    pairs: list[DoorPair]


class _Peers(msgspec.Struct):
    links: list[str]


class DoorApi(ToxiproxyApi):
    """One door's Toxiproxy. Every call blocks, is bounded, and raises LinksError."""

    def pairs(self) -> list[DoorPair]:
        """Return the pairs that this door carries."""
        return self._ask("GET", "/lab/pairs", _Pairs).pairs

    def ensure(self, peers: Mapping[str, Peer]) -> None:
        """Make the links of these replicas, also where a replica has not connected yet.

        A key is a link's name in the system, which the door writes into its journal.
        """
        named = [{"pair": one.pair, "address": one.address, "name": name} for name, one in peers.items()]
        self._ask("PUT", "/lab/peers", _Peers, {"peers": named})
