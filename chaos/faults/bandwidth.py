"""Limited throughput."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaos.actuator import LinkEffect, Toxic
from chaos.coverage import EffectSample
from chaos.evidence import LinkEvidence, Observation, Symptom
from chaos.fault import DirectedFault
from chaos.prober.probe_rate import ProbeRate, throughput_rate
from chaos.throughput import limited_to, throughput_samples
from chaos.unit_types import BytesPerSecond


class Bandwidth(DirectedFault):
    """Bytes leave at a fixed rate, with no credit for silence."""

    name: ClassVar = "bandwidth"
    rank: ClassVar = 20
    plain_effect: ClassVar = "narrow: so many bytes a second, and no more"
    summary: ClassVar = "bytes come at no more than a rate"
    visible_effect: ClassVar = (
        "Bytes leave at the rate, each connection and direction by itself; the rest is queued, and "
        "back-pressure reaches the sender."
    )
    expected_client_behaviour: ClassVar = (
        "Stays connected: heartbeats are small and overtake bulk; queues stay bounded and drain when it ends."
    )
    example: ClassVar = "rate: 64KB/s, direction: to_coordinator"

    rate_bytes_per_s: Annotated[
        BytesPerSecond, Field(ge=100, le=10**9, description="bytes a second for each connection")
    ]

    def probe_rate_for(self, for_s: float | None) -> ProbeRate:
        return throughput_rate(self.rate_bytes_per_s, for_s)

    def effect(self) -> LinkEffect:
        return LinkEffect((Toxic("throttle", self.direction, {"rate_bytes_per_s": self.rate_bytes_per_s}),))

    def symptoms(self) -> frozenset[Symptom]:
        return self.per_direction(Symptom.slow_up, Symptom.slow_down)

    def observed(self, seen: LinkEvidence) -> Observation:
        # The rate is an upper bound: another fault on the link (jitter halves the rate of a burst), or a busy
        # machine, lowers it.
        return limited_to(seen, float(self.rate_bytes_per_s), 0.25, self.direction)

    def effect_samples(self, seen: LinkEvidence) -> list[EffectSample]:
        return throughput_samples(seen.during, float(self.rate_bytes_per_s), self.direction)
