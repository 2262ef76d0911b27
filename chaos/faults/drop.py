"""A chunk is missing."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaos.evidence import Ending, LinkSeen, Observation
from chaos.fault import DirectedFault
from chaos.hands import LinkEffect, Toxic
from chaos.prober.look import Look
from chaos.units import Share


class Drop(DirectedFault):
    """Chunks are missing."""

    name: ClassVar = "drop"
    summary: ClassVar = "some chunks are missing, the connection stays"
    ends_see: ClassVar = (
        "A chunk (what one read gave, up to 32 KiB) is missing; what follows arrives. The WebSocket stream "
        "is out of step, or a whole frame is missing."
    )
    good_client: ClassVar = (
        "Notices the gap by its sequence numbers or by the broken framing, closes and resumes; never goes on "
        "as if nothing had been lost."
    )
    example: ClassVar = "probability: 5%"

    probability: Annotated[Share, Field(gt=0, description="for each chunk to be hit")]

    def look_for(self, for_s: float | None) -> Look:
        # Each probe is a chunk each way: about ten of them should be hit while it lasts.
        enough = 5 / (self.probability * max(for_s or 10.0, 1.0))
        return Look(probes_per_s=max(2.0, min(20.0, enough)))

    def effect(self) -> LinkEffect:
        return LinkEffect((Toxic("drop", self.direction, {"probability": self.probability}),))

    def observed(self, seen: LinkSeen) -> Observation:
        messages = seen.during.missing_messages
        chunks = seen.counters.get("dropped_chunks", 0)
        because = f"{messages} probes never came back, {chunks} chunks were hit"
        ended = seen.during.ended(Ending.protocol) or seen.during.ended(Ending.given_up)
        # What is missing is known when something later is heard: of a long row of them, the silence shows in
        # time.
        silent = any(not silence.healed for silence in seen.during.silences)
        return Observation(
            messages > 0 or (chunks > 0 and (ended or silent)),
            because,
            measured=float(messages),
            quantity="missing_probes",
        )
