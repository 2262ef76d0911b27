"""New connections are answered with an HTTP error."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaos.actuator import LinkEffect, Toxic
from chaos.coverage import EffectSample
from chaos.directions import Direction
from chaos.evidence import ConnectOutcome, LinkEvidence, Observation, Symptom
from chaos.evidence_checks import close_kinds_text, connect_samples, connects_text
from chaos.fault import Aspect, Layer, LinkFault
from chaos.prober.probe_rate import ProbeRate
from chaos.unit_types import Seconds


class Reject(LinkFault):
    """The upgrade is answered with an HTTP status instead of 101."""

    name: ClassVar = "reject"
    rank: ClassVar = 170
    plain_effect: ClassVar = "new connections get an HTTP error"
    layer: ClassVar = Layer.handshake
    summary: ClassVar = "new connections are answered with an HTTP error (503), with or without Retry-After"
    visible_effect: ClassVar = (
        "The worker's upgrade request gets the status and then FIN; the coordinator never sees the request. "
        "Live connections stay."
    )
    expected_client_behaviour: ClassVar = (
        "Waits at least what Retry-After asks, with jitter on top; without it, backs off as for any failure."
    )
    probe_rate: ClassVar = ProbeRate(connects_per_s=1)
    example: ClassVar = "status: 503, retry_after: 2s"

    status: Annotated[int, Field(ge=400, le=599, description="the HTTP status")] = 503
    retry_after_s: Annotated[
        Seconds | None, Field(description="the Retry-After header, whole seconds; left out: none")
    ] = None

    def exclusive_aspects(self) -> frozenset[Aspect]:
        return frozenset({Aspect.new})

    def effect(self) -> LinkEffect:
        attributes: dict[str, int | float | str] = {"status": self.status}
        if self.retry_after_s is not None:
            attributes["retry_after_s"] = round(self.retry_after_s)
        return LinkEffect((Toxic("reject", Direction.to_server, attributes),))

    def symptoms(self) -> frozenset[Symptom]:
        return frozenset({Symptom.turned_away})

    def effect_samples(self, seen: LinkEvidence) -> list[EffectSample]:
        return connect_samples(seen.during, ConnectOutcome.rejected)

    def observed(self, seen: LinkEvidence) -> Observation:
        if ended := close_kinds_text(seen.during):
            return Observation(False, f"the standing connection ended ({ended}) where it should have stayed")
        wanted = (self.status, -1 if self.retry_after_s is None else round(self.retry_after_s))
        if wanted not in seen.during.statuses or seen.during.count(ConnectOutcome.answered):
            return Observation(
                False, f"new connections should have got status {self.status}; {connects_text(seen.during)}"
            )
        return Observation(
            True,
            f"new connections got status {self.status} ({connects_text(seen.during)})",
        )
