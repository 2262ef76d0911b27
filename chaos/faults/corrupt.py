"""Bits differ, nothing else does."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from chaos.evidence import Ending, LinkSeen, Observation
from chaos.fault import DirectedFault
from chaos.hands import LinkEffect, Toxic
from chaos.prober.look import Look
from chaos.units import Share


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
        # A few hits while it lasts: more would be most of a run's traffic, whose own frames are hit as well.
        enough = 2 / (self.rate_per_byte * len(self.direction.halves) * max(for_s or 10.0, 1.0))
        return Look(volume_bytes_per_s=round(max(400.0, min(20_000.0, enough))))

    def effect(self) -> LinkEffect:
        return LinkEffect(
            (
                Toxic(
                    "corrupt", self.direction, {"rate_per_byte": self.rate_per_byte, "flip": self.flip.value}
                ),
            )
        )

    def observed(self, seen: LinkSeen) -> Observation:
        # What is echoed passes each direction once.
        asked = 1 - (1 - self.rate_per_byte) ** len(self.direction.halves)
        during = seen.during
        expected = asked * during.compared_bytes
        measured = during.damaged_bytes / during.compared_bytes if during.compared_bytes else 0.0
        counts = f"{during.damaged_bytes} of {during.compared_bytes} echoed bytes"
        because = f"{counts} were damaged ({expected:.0f} expected)"
        if seen.refused_frames:
            because = f"{because}; {seen.refused_frames} frames of its own were refused"
        broken_off = during.ended(Ending.protocol) or during.ended(Ending.given_up)
        if not (during.damaged_bytes or seen.refused_frames or broken_off):
            return Observation(False, because, asked=asked, measured=measured, quantity="damaged_per_byte")
        # Five standard deviations of a Poisson count, and 20 % for bytes of a frame that died with its
        # header.
        near = abs(during.damaged_bytes - expected) <= 5 * math.sqrt(max(expected, 1.0)) + 0.2 * expected + 1
        # A byte that is zero already cannot be zeroed, so that kind only has an upper bound.
        real = near or (self.flip is Flip.zero and during.damaged_bytes < expected)
        return Observation(real, because, asked=asked, measured=measured, quantity="damaged_per_byte")
