"""Bits differ, nothing else does."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from chaos.chance import chance_signs, fits, interval, reach_ns, wrong_way
from chaos.evidence import Ending, LinkSeen, Observation, Tally, Trace
from chaos.fault import DirectedFault
from chaos.hands import LinkEffect, Toxic
from chaos.prober.look import Look
from chaos.through import Sign
from chaos.units import Share

HITS = 150
MOST_BYTES_PER_S = 120_000.0


class Flip(StrEnum):
    """What becomes of a byte that is hit."""

    bit = "bit"
    byte = "byte"
    zero = "zero"


class Corrupt(DirectedFault):
    """Single bytes are changed on their way; their number and order stay."""

    name: ClassVar = "corrupt"
    summary: ClassVar = "bits differ on arrival, nothing else does"
    ends_see: ClassVar = (
        "Each byte is hit with the probability `rate`, independent of how the stream is cut into chunks; the "
        "length stays. TCP's own checksum does not notice, since it is right for the bytes that Toxiproxy "
        "sends."
    )
    good_client: ClassVar = (
        "Believes no altered byte: its authentication code or the WebSocket framing notices, the connection "
        "is closed and resumed, and the damaged message is sent again."
    )
    example: ClassVar = "rate: 1e-4, direction: both"

    rate_per_byte: Annotated[Share, Field(gt=0, description="probability for each byte to be hit")]
    flip: Annotated[
        Flip,
        Field(
            description="bit: one bit of it; byte: any other value; zero: 0 (differs only where it was not)"
        ),
    ] = Flip.bit

    def look_for(self, for_s: float | None) -> Look:
        # So many hits while it lasts that twice or half the rate shows; they hit the prober's own connection.
        enough = HITS / (self.rate_per_byte * len(self.direction.halves) * max(for_s or 10.0, 1.0))
        return Look(volume_bytes_per_s=round(max(400.0, min(MOST_BYTES_PER_S, enough))))

    def effect(self) -> LinkEffect:
        return LinkEffect(
            (
                Toxic(
                    "corrupt", self.direction, {"rate_per_byte": self.rate_per_byte, "flip": self.flip.value}
                ),
            )
        )

    def traces(self) -> frozenset[Trace]:
        return frozenset({Trace.damaged, Trace.missing, Trace.ended, Trace.silent})

    def observed(self, seen: LinkSeen) -> Observation:
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
        # A byte that is zero already cannot be zeroed, so that kind only has an upper bound.
        low = self.flip is Flip.zero and hits <= asked * tries
        if not fits(hits, tries, asked) and not low:
            return told(False, f": a rate of {interval(hits, tries)}, and {asked:.2g} was asked for")
        if hits:
            up = sum(tally.damaged_up for tally in during.tallies)
            down = sum(tally.damaged_down for tally in during.tallies)
            way = wrong_way(up, down, self.direction)
            return told(not way, f": {way}" if way else "")
        # Nothing was counted, and so little compared that nothing need have been: other signs of damage are
        # its own only where nothing else on this link leaves them.
        others = seen.beside(Trace.damaged, Trace.missing, Trace.repeated, Trace.ended)
        signs = seen.altered_frames or during.ended(Ending.protocol) or during.ended(Ending.given_up)
        if signs and others:
            return told(False, f": {others[0].name} was on this link too, so it cannot be told which it was")
        return told(bool(signs))

    def signs(self, seen: LinkSeen) -> list[Sign]:
        if self.flip is Flip.zero:
            return []
        return chance_signs(seen.during.tallies, _tries, _hits, self._asked())

    def reach_ns(self, seen: LinkSeen) -> int:
        return reach_ns(seen.during.tallies, _tries, self._asked(), super().reach_ns(seen))

    def _asked(self) -> float:
        """Of an echoed byte: what is echoed passes each direction once."""
        return 1 - (1 - self.rate_per_byte) ** len(self.direction.halves)


def _tries(tally: Tally) -> int:
    return tally.compared_bytes


def _hits(tally: Tally) -> int:
    return tally.damaged_up + tally.damaged_down
