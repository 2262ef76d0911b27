"""New connections are answered with an HTTP error."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaos.directions import Direction
from chaos.evidence import LinkSeen, Observation, Outcome, Trace
from chaos.fault import Aspect, Layer, LinkFault
from chaos.hands import LinkEffect, Toxic
from chaos.prober.look import Look
from chaos.proof import attempts, broken, connect_signs
from chaos.through import Sign
from chaos.units import Seconds


class Reject(LinkFault):
    """The upgrade is answered with an HTTP status instead of 101."""

    name: ClassVar = "reject"
    layer: ClassVar = Layer.handshake
    summary: ClassVar = "new connections are answered with an HTTP error (503), with or without Retry-After"
    ends_see: ClassVar = (
        "The worker's upgrade request gets the status and then FIN; the coordinator never sees the request. "
        "Live connections stay."
    )
    good_client: ClassVar = (
        "Waits at least what Retry-After asks, with jitter on top; without it, backs off as for any failure."
    )
    look: ClassVar = Look(connects_per_s=1)
    example: ClassVar = "status: 503, retry_after: 2s"

    status: Annotated[int, Field(ge=400, le=599, description="the HTTP status")] = 503
    retry_after_s: Annotated[
        Seconds | None, Field(description="the Retry-After header, whole seconds; left out: none")
    ] = None

    def alone(self) -> frozenset[Aspect]:
        return frozenset({Aspect.new})

    def effect(self) -> LinkEffect:
        attributes: dict[str, int | float | str] = {"status": self.status}
        if self.retry_after_s is not None:
            attributes["retry_after_s"] = round(self.retry_after_s)
        return LinkEffect((Toxic("reject", Direction.to_coordinator, attributes),))

    def traces(self) -> frozenset[Trace]:
        return frozenset({Trace.turned_away})

    def signs(self, seen: LinkSeen) -> list[Sign]:
        return connect_signs(seen.during, Outcome.rejected)

    def observed(self, seen: LinkSeen) -> Observation:
        if ended := broken(seen.during):
            return Observation(False, f"the standing connection ended ({ended}) where it should have stayed")
        wanted = (self.status, -1 if self.retry_after_s is None else round(self.retry_after_s))
        if wanted not in seen.during.statuses or seen.during.count(Outcome.answered):
            return Observation(
                False, f"new connections should have got status {self.status}; {attempts(seen.during)}"
            )
        return Observation(
            True,
            f"new connections got status {self.status} ({attempts(seen.during)})",
        )
