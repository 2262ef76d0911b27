"""The first n attempts fail, then all is well."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from chaos.directions import Direction
from chaos.evidence import LinkSeen, Observation, Outcome, Trace
from chaos.fault import Aspect, Layer, LinkFault
from chaos.hands import LinkEffect, Toxic
from chaos.prober.look import Look
from chaos.proof import attempts, broken


class How(StrEnum):
    """How an attempt fails."""

    fin = "fin"
    rst = "rst"


class FailFirst(LinkFault):
    """The first new connections of each link are accepted and ended at once."""

    name: ClassVar = "fail_first"
    layer: ClassVar = Layer.handshake
    summary: ClassVar = "the first n new connections fail, then all is well"
    ends_see: ClassVar = (
        "The first n new connections of each link are accepted and ended at once (FIN or RST); live ones "
        "notice nothing."
    )
    good_client: ClassVar = (
        "Counts a connection that ended before the welcome as failed, waits longer each time, and gets in at "
        "attempt n + 1."
    )
    look: ClassVar = Look(connects_per_s=2)
    example: ClassVar = "connections: 3"

    connections: Annotated[
        int, Field(ge=1, le=10_000, description="how many new connections of each link fail")
    ]
    how: Annotated[How, Field(description="fin or rst")] = How.fin

    def alone(self) -> frozenset[Aspect]:
        return frozenset({Aspect.new})

    def effect(self) -> LinkEffect:
        attributes: dict[str, int | float | str] = {"connections": self.connections, "how": self.how.value}
        return LinkEffect((Toxic("fail_first", Direction.to_coordinator, attributes),))

    def traces(self) -> frozenset[Trace]:
        return frozenset({Trace.turned_away})

    def observed(self, seen: LinkSeen) -> Observation:
        failed = seen.counters.get("failed_connections", 0)
        turned_away = seen.during.count(Outcome.closed) + seen.during.count(Outcome.reset)
        because = f"{failed} connections failed; {attempts(seen.during)}"
        if ended := broken(seen.during):
            return Observation(
                False, f"the standing connection ended ({ended}) where it should have stayed; {because}"
            )
        # Fewer than asked fail only where fewer come.
        spared = failed < self.connections and seen.during.count(Outcome.answered) > 0
        return Observation(
            0 < failed <= self.connections and turned_away > 0 and not spared,
            because,
            asked=float(self.connections),
            measured=float(failed),
            quantity="failed_connections",
        )
