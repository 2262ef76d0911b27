"""Damaged bytes."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from chaos.actuator import LinkEffect, Toxic
from chaos.coverage import EffectSample
from chaos.evidence import CloseKind, LinkEvidence, Observation, ProbeCounts, Symptom
from chaos.fault import DirectedFault
from chaos.prober.probe_rate import ProbeRate
from chaos.random_effects import interval_text, max_gap_ns, random_effect_samples, rate_fits, wrong_direction
from chaos.unit_types import Share

HITS = 150
MOST_BYTES_PER_S = 120_000.0


class Flip(StrEnum):
    """How a byte is damaged."""

    bit = "bit"
    byte = "byte"
    zero = "zero"


class Corrupt(DirectedFault):
    """Single bytes are changed in transit; their number and order stay."""

    name: ClassVar = "corrupt"
    rank: ClassVar = 120
    plain_effect: ClassVar = "some bytes arrive changed"
    summary: ClassVar = "bits differ on arrival, nothing else does"
    visible_effect: ClassVar = (
        "Each byte is hit with the probability `rate`, independent of how the stream is cut into chunks; "
        "the length stays. TCP's own checksum does not detect it, since it is correct for the bytes that "
        "Toxiproxy sends."
    )
    expected_client_behaviour: ClassVar = (
        "Accepts no damaged byte: its authentication code or the WebSocket framing detects it, the "
        "connection is closed and resumed, and the damaged message is sent again."
    )
    example: ClassVar = "rate: 1e-4, direction: both"

    rate_per_byte: Annotated[Share, Field(gt=0, description="probability for each byte to be hit")]
    flip: Annotated[
        Flip,
        Field(
            description="bit: one bit of it; byte: any other value; zero: 0 (differs only where it was not)"
        ),
    ] = Flip.bit

    def probe_rate_for(self, for_s: float | None) -> ProbeRate:
        # Enough hits, on the prober's own connection, to distinguish twice or half the rate.
        enough = HITS / (self.rate_per_byte * len(self.direction.halves) * max(for_s or 10.0, 1.0))
        return ProbeRate(volume_bytes_per_s=round(max(400.0, min(MOST_BYTES_PER_S, enough))))

    def effect(self) -> LinkEffect:
        return LinkEffect(
            (
                Toxic(
                    "corrupt", self.direction, {"rate_per_byte": self.rate_per_byte, "flip": self.flip.value}
                ),
            )
        )

    def symptoms(self) -> frozenset[Symptom]:
        return frozenset({Symptom.damaged, Symptom.missing, Symptom.ended, Symptom.silent})

    def observed(self, seen: LinkEvidence) -> Observation:
        asked, during = self._asked(), seen.during
        hits, tries = during.damaged_bytes, during.compared_bytes
        because = f"{hits} of {tries} echoed bytes were damaged ({asked * tries:.0f} expected)"
        if seen.refused_frames:
            because = f"{because}; {seen.refused_frames} frames of its own were refused"

        def told(real: bool, more: str = "") -> Observation:
            measured = hits / tries if tries else 0.0
            return Observation(
                real, because + more, asked=asked, measured=measured, quantity="damaged_per_byte"
            )

        if seen.counters.get("damaged_bytes", 1) == 0:
            return told(False, "; Toxiproxy damaged nothing here")
        # A byte that is zero cannot be zeroed, so `zero` has only an upper bound.
        low = self.flip is Flip.zero and hits <= asked * tries
        if not rate_fits(hits, tries, asked) and not low:
            return told(False, f": a rate of {interval_text(hits, tries)}, and {asked:.2g} was asked for")
        if hits:
            up = sum(tally.damaged_up for tally in during.tallies)
            down = sum(tally.damaged_down for tally in during.tallies)
            way = wrong_direction(up, down, self.direction, seen.ends)
            return told(not way, f": {way}" if way else "")
        # Without a hit among few compared bytes, other symptoms of damage prove the fault only where nothing
        # else on this link causes them.
        others = seen.beside(Symptom.damaged, Symptom.missing, Symptom.repeated, Symptom.ended)
        signs = seen.altered_frames or during.ended(CloseKind.protocol) or during.ended(CloseKind.given_up)
        if signs and others:
            return told(False, f": {others[0].name} was on this link too, so it cannot be told which it was")
        return told(bool(signs))

    def effect_samples(self, seen: LinkEvidence) -> list[EffectSample]:
        if self.flip is Flip.zero:
            return []
        return random_effect_samples(seen.during.tallies, _tries, _hits, self._asked())

    def max_gap_ns(self, seen: LinkEvidence) -> int:
        return max_gap_ns(seen.during.tallies, _tries, self._asked(), super().max_gap_ns(seen))

    def _asked(self) -> float:
        """Return the rate for an echoed byte, which passes each direction once."""
        return 1 - (1 - self.rate_per_byte) ** len(self.direction.halves)


def _tries(tally: ProbeCounts) -> int:
    return tally.compared_bytes


def _hits(tally: ProbeCounts) -> int:
    return tally.damaged_up + tally.damaged_down
