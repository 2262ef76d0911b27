"""Faults that hit each chunk with a probability, and that the prober counts by the probes they hit."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated

from pydantic import Field

from chaos.actuator import LinkEffect, Toxic
from chaos.coverage import EffectSample
from chaos.evidence import LinkEvidence, ProbeCounts
from chaos.fault import DirectedFault
from chaos.prober.probe_rate import ProbeRate
from chaos.random_effects import MESSAGE_TOLERANCE, max_gap_ns, probe_mismatch, random_effect_samples
from chaos.unit_types import Share


class ChunkFault(DirectedFault):
    """Chunks are hit, each with the same probability, by the toxic that has the fault's name."""

    probability: Annotated[Share, Field(gt=0, description="for each chunk to be hit")]

    @staticmethod
    @abstractmethod
    def hits(counts: ProbeCounts) -> tuple[int, int]:
        """Return the probes that were hit on their way to the server, and to the client."""

    def probe_rate_for(self, for_s: float | None) -> ProbeRate:
        # Each probe is a chunk in each direction: about thirty of them should be hit while the fault lasts.
        enough = 15 / (self.probability * max(for_s or 10.0, 1.0))
        return ProbeRate(probes_per_s=max(2.0, min(25.0, enough)))

    def effect(self) -> LinkEffect:
        return LinkEffect((Toxic(self.name, self.direction, {"probability": self.probability}),))

    def mismatch(self, seen: LinkEvidence) -> str:
        """Return how the number of hit probes, or their direction, differs from what was asked; "" if not."""
        return probe_mismatch(seen, self.hits, self._asked(), self.direction)

    def effect_samples(self, seen: LinkEvidence) -> list[EffectSample]:
        return random_effect_samples(
            seen.during.tallies, _sent, lambda counts: sum(self.hits(counts)), self._least()
        )

    def max_gap_ns(self, seen: LinkEvidence) -> int:
        return max_gap_ns(seen.during.tallies, _sent, self._least(), super().max_gap_ns(seen))

    def _asked(self) -> float:
        """Return the probability for a probe, which is a chunk in each affected direction."""
        return 1 - (1 - self.probability) ** len(self.direction.halves)

    def _least(self) -> float:
        return self._asked() / MESSAGE_TOLERANCE


def _sent(counts: ProbeCounts) -> int:
    return counts.sent
