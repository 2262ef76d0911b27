"""RST on live connections at once, idle ones too."""

from __future__ import annotations

from typing import ClassVar

from chaos.evidence import Ending, LinkSeen, Observation, Outcome, Trace
from chaos.fault import Aspect, LinkFault
from chaos.hands import Action, LinkEffect
from chaos.proof import attempts, nothing_stood


class Reset(LinkFault):
    """Every live connection of the link ends with RST at both ends, at once, idle ones too."""

    name: ClassVar = "reset"
    lasting: ClassVar = False
    summary: ClassVar = "RST on live connections at once, idle ones too; new ones work"
    ends_see: ClassVar = (
        "Both ends get ECONNRESET at once; what was under way to them is gone. The next connection is "
        "answered."
    )
    good_client: ClassVar = (
        "Takes a reset like any loss: resumes its session, and sends again what the other side lacks."
    )
    example: ClassVar = ""

    def cuts(self, for_s: float | None, notice_s: float) -> bool:
        return True

    def among(self) -> frozenset[Aspect]:
        return frozenset({Aspect.live})

    def effect(self) -> LinkEffect:
        return LinkEffect(action=Action.reset)

    def traces(self) -> frozenset[Trace]:
        return frozenset({Trace.ended})

    def observed(self, seen: LinkSeen) -> Observation:
        if not seen.during.ended(Ending.rst):
            return Observation(False, f"the standing connection saw no RST{nothing_stood(seen)}")
        if blocked := seen.beside(Trace.refused, Trace.turned_away, Trace.silent):
            return Observation(True, f"RST on the standing connection; {blocked[0].name} kept new ones out")
        if seen.during.count(Outcome.refused) or not seen.during.count(Outcome.answered):
            return Observation(False, f"new connections should have worked; {attempts(seen.during)}")
        return Observation(True, f"RST on the standing connection; new ones worked ({attempts(seen.during)})")
