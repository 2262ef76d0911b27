"""Fragmented bytes."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaos.actuator import LinkEffect, Toxic
from chaos.coverage import EffectSample
from chaos.evidence import LinkEvidence, Observation, Symptom
from chaos.fault import DirectedFault
from chaos.prober.probe_rate import ProbeRate, throughput_rate
from chaos.throughput import limited_to, throughput_samples
from chaos.unit_types import Milliseconds, SizeBytes


class Fragment(DirectedFault):
    """Bytes leave in small pieces, some time apart."""

    name: ClassVar = "fragment"
    rank: ClassVar = 30
    plain_effect: ClassVar = "everything arrives in small pieces"
    summary: ClassVar = "bytes come in small pieces with gaps between them"
    visible_effect: ClassVar = (
        "Reads give at most `size` bytes, and at least `gap` lies between two pieces; order and content stay."
    )
    expected_client_behaviour: ClassVar = (
        "Assembles frames from pieces of any size; never accepts half a message as a whole one."
    )
    example: ClassVar = "size: 64B, gap: 20ms"

    size_bytes: Annotated[SizeBytes, Field(ge=1, le=32_768, description="the largest piece")]
    gap_ms: Annotated[Milliseconds, Field(ge=1, le=60_000, description="the least time between two pieces")]

    def probe_rate_for(self, for_s: float | None) -> ProbeRate:
        return throughput_rate(round(self.size_bytes / self.gap_ms * 1000), for_s)

    def effect(self) -> LinkEffect:
        return LinkEffect(
            (Toxic("fragment", self.direction, {"size_bytes": self.size_bytes, "gap_ms": self.gap_ms}),)
        )

    def symptoms(self) -> frozenset[Symptom]:
        return self.per_direction(Symptom.slow_up, Symptom.slow_down)

    def observed(self, seen: LinkEvidence) -> Observation:
        # A gap is a minimum, and timers of a busy machine fire late: pieces may be slower than asked for,
        # not faster.
        return limited_to(seen, self._rate_bytes_per_s(), 0.4, self.direction, ", piece by piece")

    def effect_samples(self, seen: LinkEvidence) -> list[EffectSample]:
        return throughput_samples(seen.during, self._rate_bytes_per_s(), self.direction)

    def _rate_bytes_per_s(self) -> float:
        return self.size_bytes / (self.gap_ms / 1000)
