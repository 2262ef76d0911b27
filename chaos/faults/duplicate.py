"""A chunk comes twice."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaos.evidence import Ending, LinkSeen, Observation
from chaos.fault import DirectedFault
from chaos.hands import LinkEffect, Toxic
from chaos.prober.look import Look
from chaos.units import Share


class Duplicate(DirectedFault):
    """Chunks come twice."""

    name: ClassVar = "duplicate"
    summary: ClassVar = "some chunks come twice, the connection stays"
    ends_see: ClassVar = (
        "A chunk (what one read gave, up to 32 KiB) comes twice in a row. The WebSocket stream is out of "
        "step, or a whole frame comes twice."
    )
    good_client: ClassVar = (
        "Counts and ignores what it had already, by its sequence numbers; nothing has its effect twice."
    )
    example: ClassVar = "probability: 5%"

    probability: Annotated[Share, Field(gt=0, description="for each chunk to be hit")]

    def look_for(self, for_s: float | None) -> Look:
        # Each probe is a chunk each way: about ten of them should be hit while it lasts.
        enough = 5 / (self.probability * max(for_s or 10.0, 1.0))
        return Look(probes_per_s=max(2.0, min(20.0, enough)))

    def effect(self) -> LinkEffect:
        return LinkEffect((Toxic("duplicate", self.direction, {"probability": self.probability}),))

    def observed(self, seen: LinkSeen) -> Observation:
        messages = seen.during.repeated_messages
        chunks = seen.counters.get("duplicated_chunks", 0)
        because = f"{messages} probes came back twice, {chunks} chunks were hit"
        return Observation(
            messages > 0
            or (chunks > 0 and (seen.during.ended(Ending.protocol) or seen.during.ended(Ending.given_up))),
            because,
            measured=float(messages),
            quantity="repeated_probes",
        )
