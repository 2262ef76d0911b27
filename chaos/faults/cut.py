"""FIN on live connections; new ones work."""

from __future__ import annotations

from typing import ClassVar

from chaos.evidence import Ending, LinkSeen, Observation, Outcome, Trace
from chaos.fault import Aspect, LinkFault
from chaos.hands import Action, LinkEffect
from chaos.proof import attempts, nothing_stood


class Cut(LinkFault):
    """Every live connection of the link ends with FIN at both ends, at once."""

    name: ClassVar = "cut"
    lasting: ClassVar = False
    summary: ClassVar = "FIN on live connections; new ones work at once"
    ends_see: ClassVar = (
        "Both ends read an end of stream with no WebSocket close frame before it. The next connection is "
        "answered."
    )
    good_client: ClassVar = (
        "Notices at once, waits a jittered moment, resumes its session; nothing is lost, redone or counted "
        "twice."
    )
    example: ClassVar = ""

    def cuts(self, for_s: float | None, notice_s: float) -> bool:
        return True

    def among(self) -> frozenset[Aspect]:
        return frozenset({Aspect.live})

    def effect(self) -> LinkEffect:
        return LinkEffect(action=Action.cut)

    def traces(self) -> frozenset[Trace]:
        return frozenset({Trace.ended})

    def observed(self, seen: LinkSeen) -> Observation:
        if not seen.during.ended(Ending.fin) and not seen.during.ended(Ending.torn):
            return Observation(False, f"the standing connection saw no FIN{nothing_stood(seen)}")
        if blocked := seen.beside(Trace.refused, Trace.turned_away, Trace.silent):
            return Observation(True, f"FIN on the standing connection; {blocked[0].name} kept new ones out")
        if seen.during.count(Outcome.refused) or not seen.during.count(Outcome.answered):
            return Observation(False, f"new connections should have worked; {attempts(seen.during)}")
        return Observation(True, f"FIN on the standing connection; new ones worked ({attempts(seen.during)})")
