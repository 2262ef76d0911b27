"""Failing first attempts."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from chaos.actuator import LinkEffect, Toxic
from chaos.directions import Direction
from chaos.evidence import ConnectOutcome, LinkEvidence, Observation, Symptom
from chaos.evidence_checks import close_kinds_text, connects_text
from chaos.fault import Aspect, Layer, LinkFault
from chaos.prober.probe_rate import ProbeRate


class How(StrEnum):
    """How an attempt fails."""

    fin = "fin"
    rst = "rst"


class FailFirst(LinkFault):
    """The first new connections of each link are accepted and ended at once."""

    name: ClassVar = "fail_first"
    rank: ClassVar = 160
    plain_effect: ClassVar = "the first few new connections fail"
    layer: ClassVar = Layer.handshake
    summary: ClassVar = "the first n new connections fail, later ones work"
    visible_effect: ClassVar = (
        "The first n new connections of each link are accepted and ended at once (FIN or RST); live ones "
        "are unaffected."
    )
    expected_client_behaviour: ClassVar = (
        "Counts a connection that ended before the welcome as failed, waits longer each time, and gets in "
        "at attempt n + 1."
    )
    probe_rate: ClassVar = ProbeRate(connects_per_s=2)
    example: ClassVar = "connections: 3"

    connections: Annotated[
        int, Field(ge=1, le=10_000, description="how many new connections of each link fail")
    ]
    how: Annotated[How, Field(description="fin or rst")] = How.fin

    def exclusive_aspects(self) -> frozenset[Aspect]:
        return frozenset({Aspect.new})

    def effect(self) -> LinkEffect:
        attributes: dict[str, int | float | str] = {"connections": self.connections, "how": self.how.value}
        return LinkEffect((Toxic("fail_first", Direction.to_server, attributes),))

    def symptoms(self) -> frozenset[Symptom]:
        return frozenset({Symptom.turned_away})

    def observed(self, seen: LinkEvidence) -> Observation:
        failed = seen.counters.get("failed_connections", 0)
        turned_away = seen.during.count(ConnectOutcome.closed) + seen.during.count(ConnectOutcome.reset)
        because = f"{failed} connections failed; {connects_text(seen.during)}"
        if ended := close_kinds_text(seen.during):
            return Observation(
                False, f"the standing connection ended ({ended}) where it should have stayed; {because}"
            )
        # Fewer fail only where fewer are made.
        spared = failed < self.connections and seen.during.count(ConnectOutcome.answered) > 0
        return Observation(
            0 < failed <= self.connections and turned_away > 0 and not spared,
            because,
            asked=float(self.connections),
            measured=float(failed),
            quantity="failed_connections",
        )
