"""FIN on live connections; new ones refused until it ends."""

from __future__ import annotations

from typing import ClassVar

from chaos.evidence import Ending, LinkSeen, Observation, Outcome, Trace
from chaos.fault import Aspect, LinkFault
from chaos.hands import Action, LinkEffect
from chaos.proof import attempts, connect_signs, nothing_stood
from chaos.through import Sign


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

    def traces(self) -> frozenset[Trace]:
        return frozenset({Trace.ended, Trace.refused})

    def observed(self, seen: LinkSeen) -> Observation:
        fin = seen.during.ended(Ending.fin) or seen.during.ended(Ending.torn)
        # What no connection could see is not missing.
        if not fin and seen.stood is not False:
            return Observation(False, "the standing connection saw no FIN")
        if not seen.during.count(Outcome.refused) or seen.during.count(Outcome.answered):
            return Observation(False, f"new connections should have been refused; {attempts(seen.during)}")
        begun = "FIN on the standing connection; new ones refused" if fin else "new connections refused"
        return Observation(True, f"{begun} ({attempts(seen.during)}){'' if fin else nothing_stood(seen)}")

    def signs(self, seen: LinkSeen) -> list[Sign]:
        return connect_signs(seen.during, Outcome.refused)
