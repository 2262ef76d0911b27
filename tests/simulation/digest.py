"""A digest of all journal lines of a run: equal runs have equal digests."""

from __future__ import annotations

import hashlib

import msgspec

from tests.simulation.plan import Plan
from tests.simulation.world import World
from wire import events


class DigestedWorld(World):
    """A world that adds every journal line to a digest."""

    def __init__(self, plan: Plan) -> None:
        self._encoder = msgspec.json.Encoder()
        self.digest = hashlib.sha256()
        super().__init__(plan)

    def on_event(self, event: events.Event) -> None:
        """A line was written."""
        self.digest.update(self._encoder.encode(event) + b"\n")
        super().on_event(event)


def digest_of(plan: Plan) -> str:
    """The digest of a whole run. Raises BrokenError at the first breach."""
    world = DigestedWorld(plan)
    world.run()
    return world.digest.hexdigest()
