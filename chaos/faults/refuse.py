"""FIN on live connections; new ones refused until it ends."""

from __future__ import annotations

from typing import ClassVar

from chaos.evidence import Ending, LinkSeen, Observation, Outcome
from chaos.fault import Aspect, LinkFault
from chaos.hands import Action, LinkEffect
from chaos.proof import attempts


class Refuse(LinkFault):
    """The link is down: live connections end, new ones are refused until it ends."""

    name: ClassVar = "refuse"
    summary: ClassVar = "FIN on live connections; new ones are refused until it ends"
    ends_see: ClassVar = (
        "Both ends read FIN; every attempt to connect gets ECONNREFUSED (a RST to its SYN) until the fault "
        "ends."
    )
    good_client: ClassVar = (
        "Retries for ever with growing, jittered delays; comes back soon after healing, without a herd; "
        "keeps its results."
    )
    example: ClassVar = ""

    def cuts(self, for_s: float | None, notice_s: float) -> bool:
        return True

    def alone(self) -> frozenset[Aspect]:
        return frozenset({Aspect.to_worker, Aspect.to_coordinator, Aspect.new, Aspect.live})

    def effect(self) -> LinkEffect:
        return LinkEffect(action=Action.refuse)

    def observed(self, seen: LinkSeen) -> Observation:
        if not seen.during.ended(Ending.fin) and not seen.during.ended(Ending.torn):
            return Observation(False, "the standing connection saw no FIN")
        if not seen.during.count(Outcome.refused) or seen.during.count(Outcome.answered):
            return Observation(False, f"new connections should have been refused; {attempts(seen.during)}")
        return Observation(
            True, f"FIN on the standing connection; new ones refused ({attempts(seen.during)})"
        )
