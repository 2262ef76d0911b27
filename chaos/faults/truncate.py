"""The connection ends inside a WebSocket frame, or after a number of bytes."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaos.actuator import LinkEffect, Toxic
from chaos.coverage import EffectSample
from chaos.evidence import CloseKind, LinkEvidence, Observation, Symptom
from chaos.evidence_checks import close_kinds_text, no_connection_note
from chaos.fault import Aspect, DirectedFault
from chaos.prober.probe_rate import ProbeRate
from chaos.unit_types import SizeBytes


class Truncate(DirectedFault):
    """The stream breaks off: in the middle of the next frame, or after a number of bytes."""

    name: ClassVar = "truncate"
    rank: ClassVar = 110
    plain_effect: ClassVar = "connections end in the middle of a message"
    summary: ClassVar = "the connection ends inside a WebSocket frame (or after a number of bytes)"
    visible_effect: ClassVar = (
        "Without `keep`: half of the payload of the next WebSocket data frame arrives, and then FIN. With "
        "`keep`: that many bytes from the fault's beginning (of each later connection too), and then FIN. "
        "Connections made while it lasts end the same way."
    )
    expected_client_behaviour: ClassVar = (
        "Never accepts half a message as a whole one; reconnects, and sends the whole message again in the "
        "resumed session."
    )
    example: ClassVar = "direction: to_worker"

    keep_bytes: Annotated[
        SizeBytes | None,
        Field(description="bytes that still pass; left out: until the middle of the next frame"),
    ] = None

    def disconnects(self, for_s: float | None, notice_s: float) -> bool:
        return True

    def exclusive_aspects(self) -> frozenset[Aspect]:
        return frozenset({Aspect.live})

    def probe_rate_for(self, for_s: float | None) -> ProbeRate:
        # The bytes that still pass must be sent before the end can be observed.
        enough = 2 * (self.keep_bytes or 0) / (for_s or 10.0)
        return ProbeRate(volume_bytes_per_s=round(min(20_000.0, enough)))

    def effect(self) -> LinkEffect:
        if self.keep_bytes is None:
            return LinkEffect((Toxic("truncate", self.direction, {"mode": "mid_frame"}),))
        return LinkEffect(
            (Toxic("truncate", self.direction, {"mode": "bytes", "after_bytes": self.keep_bytes}),)
        )

    def symptoms(self) -> frozenset[Symptom]:
        return frozenset({Symptom.ended})

    def effect_samples(self, seen: LinkEvidence) -> list[EffectSample]:
        if self.keep_bytes is not None:
            return []
        # An echo is a whole frame in each direction: none arrives while frames are truncated, on any
        # connection.
        signs = [EffectSample(at_ns, at_ns, present=True) for at_ns, _ in seen.during.ends]
        signs += [EffectSample(trip.sent_ns, trip.at_ns, present=False) for trip in seen.during.trips]
        return sorted(signs, key=lambda sign: sign.from_ns)

    def max_gap_ns(self, seen: LinkEvidence) -> int:
        # Each connection must first be made and probed.
        return 3 * super().max_gap_ns(seen)

    def observed(self, seen: LinkEvidence) -> Observation:
        ended = close_kinds_text(seen.during)
        if not seen.during.ended(CloseKind.fin) and not seen.during.ended(CloseKind.torn):
            what = f"saw {ended}" if ended else f"stood{no_connection_note(seen)}"
            return Observation(False, f"the standing connection should have ended with FIN; it {what}")
        if (
            self.keep_bytes is None
            and Aspect.to_server not in self.halves()
            and not seen.during.ended(CloseKind.torn)
        ):
            return Observation(False, "FIN came between two frames, not inside one")
        cut_off = seen.counters.get("truncated_connections", 0)
        if not cut_off:
            return Observation(False, "Toxiproxy truncated no connection of this link")
        return Observation(
            True,
            f"{ended} on the standing connection; {cut_off} connections were truncated",
            measured=float(cut_off),
            quantity="truncated_connections",
        )
