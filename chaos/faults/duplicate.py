"""Duplicated chunks."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaos.actuator import LinkEffect, Toxic
from chaos.coverage import EffectSample
from chaos.evidence import CloseKind, LinkEvidence, Observation, ProbeCounts, Symptom
from chaos.fault import DirectedFault
from chaos.prober.probe_rate import ProbeRate
from chaos.random_effects import MESSAGE_TOLERANCE, max_gap_ns, probe_mismatch, random_effect_samples
from chaos.units import Share


class Duplicate(DirectedFault):
    """Chunks come twice."""

    name: ClassVar = "duplicate"
    summary: ClassVar = "some chunks come twice, the connection stays"
    visible_effect: ClassVar = (
        "A chunk (what one read gave, up to 32 KiB) comes twice in a row. The WebSocket stream is out of "
        "step, or a whole frame comes twice."
    )
    expected_client_behaviour: ClassVar = (
        "Counts and ignores duplicates, by its sequence numbers; no message has its effect twice."
    )
    example: ClassVar = "probability: 5%"

    probability: Annotated[Share, Field(gt=0, description="for each chunk to be hit")]

    def probe_rate_for(self, for_s: float | None) -> ProbeRate:
        # Each probe is a chunk in each direction: about thirty of them should be hit while the fault lasts.
        enough = 15 / (self.probability * max(for_s or 10.0, 1.0))
        return ProbeRate(probes_per_s=max(2.0, min(25.0, enough)))

    def effect(self) -> LinkEffect:
        return LinkEffect((Toxic("duplicate", self.direction, {"probability": self.probability}),))

    def symptoms(self) -> frozenset[Symptom]:
        return frozenset({Symptom.repeated, Symptom.ended})

    def observed(self, seen: LinkEvidence) -> Observation:
        during = seen.during
        messages, chunks = during.repeated_messages, seen.counters.get("duplicated_chunks")
        because = f"{messages} probes came back twice, {chunks or 0} chunks were hit"

        def observation(real: bool, more: str = "") -> Observation:
            return Observation(real, because + more, measured=float(messages), quantity="repeated_probes")

        if chunks == 0:
            return observation(False, ": Toxiproxy hit no chunk here")
        if messages:
            trouble = probe_mismatch(during.tallies, _ways, self._asked(), self.direction)
            return observation(not trouble, f": {trouble}" if trouble else "")
        if not (chunks and (during.ended(CloseKind.protocol) or during.ended(CloseKind.given_up))):
            return observation(False)
        others = seen.beside(Symptom.missing, Symptom.damaged)
        return observation(not others, f": {others[0].name} was on this link too" if others else "")

    def effect_samples(self, seen: LinkEvidence) -> list[EffectSample]:
        return random_effect_samples(seen.during.tallies, _tries, _hits, self._asked() / MESSAGE_TOLERANCE)

    def max_gap_ns(self, seen: LinkEvidence) -> int:
        return max_gap_ns(
            seen.during.tallies, _tries, self._asked() / MESSAGE_TOLERANCE, super().max_gap_ns(seen)
        )

    def _asked(self) -> float:
        """Return the probability for a probe, which is a chunk in each affected direction."""
        return 1 - (1 - self.probability) ** len(self.direction.halves)


def _tries(tally: ProbeCounts) -> int:
    return tally.sent


def _ways(tally: ProbeCounts) -> tuple[int, int]:
    """Return the counts to the coordinator and to the worker."""
    return tally.repeated_up, tally.repeated_down


def _hits(tally: ProbeCounts) -> int:
    return sum(_ways(tally))
