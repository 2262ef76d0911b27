"""New connections are accepted and never answered."""

from __future__ import annotations

from typing import ClassVar

from chaos.directions import Direction
from chaos.evidence import LinkSeen, Observation, Outcome, Trace
from chaos.fault import Aspect, Layer, LinkFault
from chaos.hands import LinkEffect, Toxic
from chaos.prober.look import Look
from chaos.proof import attempts, broken, connect_signs, silence_through
from chaos.through import Sign


class Hang(LinkFault):
    """The upgrade request is taken and never answered."""

    name: ClassVar = "hang"
    layer: ClassVar = Layer.handshake
    summary: ClassVar = "new connections are accepted and never answered"
    ends_see: ClassVar = (
        "The TCP connection is made, the upgrade request is sent, and nothing comes back; when it ends, the "
        "hung "
        "connections are closed."
    )
    good_client: ClassVar = (
        "Gives up an unanswered upgrade after its connect timeout, and tries again; it never waits for ever."
    )
    look: ClassVar = Look(connects_per_s=1)
    example: ClassVar = ""

    def alone(self) -> frozenset[Aspect]:
        return frozenset({Aspect.new})

    def effect(self) -> LinkEffect:
        return LinkEffect((Toxic("hang", Direction.to_coordinator),))

    def traces(self) -> frozenset[Trace]:
        return frozenset({Trace.turned_away})

    def signs(self, seen: LinkSeen) -> list[Sign]:
        return connect_signs(seen.during, Outcome.hung)

    def observed(self, seen: LinkSeen) -> Observation:
        if ended := broken(seen.during):
            return Observation(False, f"the standing connection ended ({ended}) where it should have stayed")
        if silence_through(seen.during) is not None and not seen.beside(Trace.silent):
            return Observation(False, "the standing connection fell silent where it should have stayed")
        if not seen.during.count(Outcome.hung) or seen.during.count(Outcome.answered):
            return Observation(False, f"new connections should have hung; {attempts(seen.during)}")
        return Observation(True, f"new connections were accepted and not answered ({attempts(seen.during)})")
