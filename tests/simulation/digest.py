"""What a run wrote, line by line, in one number: two runs that were the same have the same."""

from __future__ import annotations

import hashlib

import msgspec

from tests.simulation.plan import Plan
from tests.simulation.world import World
from wire import events


class DigestedWorld(World):
    """A world whose every line goes into a digest."""

    def __init__(self, plan: Plan) -> None:
        self._encoder = msgspec.json.Encoder()
        self.digest = hashlib.sha256()
        super().__init__(plan)

    def hear(self, event: events.Event) -> None:
        """A line was written."""
        self.digest.update(self._encoder.encode(event) + b"\n")
        super().hear(event)


def digest_of(plan: Plan) -> str:
    """The digest of a whole run. Raises BrokenError at the first breach."""
    world = DigestedWorld(plan)
    world.run()
    return world.digest.hexdigest()
