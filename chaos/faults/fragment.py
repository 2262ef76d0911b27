"""Small pieces with gaps."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaos.evidence import LinkSeen, Observation, Trace
from chaos.fault import DirectedFault
from chaos.hands import LinkEffect, Toxic
from chaos.prober.look import Look, burst_look
from chaos.rates import bounded, flow_signs
from chaos.through import Sign
from chaos.units import Milliseconds, SizeBytes


class Fragment(DirectedFault):
    """Bytes leave in small pieces, some time apart."""

    name: ClassVar = "fragment"
    summary: ClassVar = "bytes come in small pieces with gaps between them"
    ends_see: ClassVar = (
        "Reads give at most `size` bytes, and at least `gap` lies between two pieces; order and content stay."
    )
    good_client: ClassVar = (
        "Puts frames together from whatever pieces come; never takes half a message for a whole one."
    )
    example: ClassVar = "size: 64B, gap: 20ms"

    size_bytes: Annotated[SizeBytes, Field(ge=1, le=32_768, description="the largest piece")]
    gap_ms: Annotated[Milliseconds, Field(ge=1, le=60_000, description="the least time between two pieces")]

    def look_for(self, for_s: float | None) -> Look:
        return burst_look(round(self.size_bytes / self.gap_ms * 1000), for_s)

    def effect(self) -> LinkEffect:
        return LinkEffect(
            (Toxic("fragment", self.direction, {"size_bytes": self.size_bytes, "gap_ms": self.gap_ms}),)
        )

    def traces(self) -> frozenset[Trace]:
        return self.each_way(Trace.slow_up, Trace.slow_down)

    def observed(self, seen: LinkSeen) -> Observation:
        # A gap is a least time, and timers of a busy machine fire late: pieces may come slower than asked,
        # not faster.
        return bounded(seen, self._rate_bytes_per_s(), 0.4, self.direction, ", piece by piece")

    def signs(self, seen: LinkSeen) -> list[Sign]:
        return flow_signs(seen.during, self._rate_bytes_per_s(), self.direction)

    def _rate_bytes_per_s(self) -> float:
        return self.size_bytes / (self.gap_ms / 1000)
