"""Bytes at a rate."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaos.evidence import LinkSeen, Observation, Trace
from chaos.fault import DirectedFault
from chaos.hands import LinkEffect, Toxic
from chaos.prober.look import Look, burst_look
from chaos.rates import bounded, flow_signs
from chaos.through import Sign
from chaos.units import BytesPerSecond


class Bandwidth(DirectedFault):
    """Bytes leave at a fixed rate, with no credit for silence."""

    name: ClassVar = "bandwidth"
    summary: ClassVar = "bytes come at no more than a rate"
    ends_see: ClassVar = (
        "Bytes leave at the rate, each connection and direction by itself; what is more waits, and "
        "back-pressure reaches the sender."
    )
    good_client: ClassVar = (
        "Stays connected: heartbeats are small and overtake bulk; queues stay bounded and drain when it ends."
    )
    example: ClassVar = "rate: 64KB/s, direction: to_coordinator"

    rate_bytes_per_s: Annotated[
        BytesPerSecond, Field(ge=100, le=10**9, description="bytes a second for each connection")
    ]

    def look_for(self, for_s: float | None) -> Look:
        return burst_look(self.rate_bytes_per_s, for_s)

    def effect(self) -> LinkEffect:
        return LinkEffect((Toxic("throttle", self.direction, {"rate_bytes_per_s": self.rate_bytes_per_s}),))

    def traces(self) -> frozenset[Trace]:
        return self.each_way(Trace.slow_up, Trace.slow_down)

    def observed(self, seen: LinkSeen) -> Observation:
        # No more than the rate is the promise: another fault on the link (jitter halves the rate of a burst),
        # or a busy machine, makes it less.
        return bounded(seen, float(self.rate_bytes_per_s), 0.25, self.direction)

    def signs(self, seen: LinkSeen) -> list[Sign]:
        return flow_signs(seen.during, float(self.rate_bytes_per_s), self.direction)
