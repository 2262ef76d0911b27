"""Live connections stay; new ones are refused."""

from __future__ import annotations

from typing import ClassVar

from chaos.evidence import LinkSeen, Observation, Outcome, Trace
from chaos.fault import Aspect, LinkFault
from chaos.hands import Action, LinkEffect
from chaos.prober.look import Look
from chaos.proof import attempts, broken, connect_signs
from chaos.through import Sign


class BlockNew(LinkFault):
    """What is connected stays connected; nobody new gets in."""

    name: ClassVar = "block_new_only"
    summary: ClassVar = "live connections stay; new ones are refused until it ends"
    ends_see: ClassVar = "Live connections notice nothing; every attempt to connect gets ECONNREFUSED."
    good_client: ClassVar = (
        "Notices nothing while it is connected. One that must reconnect meanwhile keeps trying, as in "
        "`refuse`."
    )
    look: ClassVar = Look(connects_per_s=1)
    example: ClassVar = ""

    def alone(self) -> frozenset[Aspect]:
        return frozenset({Aspect.new})

    def effect(self) -> LinkEffect:
        return LinkEffect(action=Action.block_new)

    def traces(self) -> frozenset[Trace]:
        return frozenset({Trace.refused})

    def signs(self, seen: LinkSeen) -> list[Sign]:
        return connect_signs(seen.during, Outcome.refused)

    def observed(self, seen: LinkSeen) -> Observation:
        if not seen.during.count(Outcome.refused) or seen.during.count(Outcome.answered):
            return Observation(False, f"new connections should have been refused; {attempts(seen.during)}")
        if ended := broken(seen.during):
            return Observation(False, f"the standing connection ended ({ended}) where it should have stayed")
        return Observation(
            True, f"new connections refused ({attempts(seen.during)}); the standing one stayed"
        )
