"""The connection ends inside a WebSocket frame, or after so many bytes."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaos.evidence import Ending, LinkSeen, Observation, Trace
from chaos.fault import Aspect, DirectedFault
from chaos.hands import LinkEffect, Toxic
from chaos.prober.look import Look
from chaos.proof import broken, nothing_stood
from chaos.through import Sign
from chaos.units import SizeBytes


class Truncate(DirectedFault):
    """The stream breaks off: in the middle of the next frame, or after a number of bytes."""

    name: ClassVar = "truncate"
    summary: ClassVar = "the connection ends inside a WebSocket frame (or after so many bytes)"
    ends_see: ClassVar = (
        "Without `keep`: half of the payload of the next WebSocket data frame arrives, and then FIN. With "
        "`after`: so many bytes from the fault's beginning (of each later connection too), and then FIN. "
        "Connections made while it lasts meet the same end."
    )
    good_client: ClassVar = (
        "Never takes half a message for a whole one; reconnects, and sends the whole message again in the "
        "resumed session."
    )
    example: ClassVar = "direction: to_worker"

    keep_bytes: Annotated[
        SizeBytes | None,
        Field(description="bytes that still pass; left out: until the middle of the next frame"),
    ] = None

    def cuts(self, for_s: float | None, notice_s: float) -> bool:
        return True

    def alone(self) -> frozenset[Aspect]:
        return frozenset({Aspect.live})

    def look_for(self, for_s: float | None) -> Look:
        # What may still pass has to be sent before anything can be seen to be cut off.
        enough = 2 * (self.keep_bytes or 0) / (for_s or 10.0)
        return Look(volume_bytes_per_s=round(min(20_000.0, enough)))

    def effect(self) -> LinkEffect:
        if self.keep_bytes is None:
            return LinkEffect((Toxic("truncate", self.direction, {"mode": "mid_frame"}),))
        return LinkEffect(
            (Toxic("truncate", self.direction, {"mode": "bytes", "after_bytes": self.keep_bytes}),)
        )

    def traces(self) -> frozenset[Trace]:
        return frozenset({Trace.ended})

    def signs(self, seen: LinkSeen) -> list[Sign]:
        if self.keep_bytes is not None:
            return []
        # An echo is a whole frame each way: none comes while frames break off, on whatever connection.
        signs = [Sign(at_ns, at_ns, there=True) for at_ns, _ in seen.during.ends]
        signs += [Sign(trip.sent_ns, trip.at_ns, there=False) for trip in seen.during.trips]
        return sorted(signs, key=lambda sign: sign.from_ns)

    def reach_ns(self, seen: LinkSeen) -> int:
        # Each connection first has to be made, and to be asked.
        return 3 * super().reach_ns(seen)

    def observed(self, seen: LinkSeen) -> Observation:
        ended = broken(seen.during)
        if not seen.during.ended(Ending.fin) and not seen.during.ended(Ending.torn):
            what = f"saw {ended}" if ended else f"stood{nothing_stood(seen)}"
            return Observation(False, f"the standing connection should have ended with FIN; it {what}")
        if (
            self.keep_bytes is None
            and Aspect.to_coordinator not in self.halves()
            and not seen.during.ended(Ending.torn)
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
