"""FIN on live connections; new ones work."""

from __future__ import annotations

from typing import ClassVar

from chaos.actuator import LinkAction, LinkEffect
from chaos.evidence import CloseKind, ConnectOutcome, LinkEvidence, Observation, Symptom
from chaos.evidence_checks import connects_text, far_end_stayed, no_connection_note
from chaos.fault import Aspect, LinkFault


class Cut(LinkFault):
    """Every live connection of the link ends with FIN at both ends, at once."""

    name: ClassVar = "cut"
    rank: ClassVar = 70
    plain_effect: ClassVar = "connections are closed once"
    lasting: ClassVar = False
    summary: ClassVar = "FIN on live connections; new ones work at once"
    visible_effect: ClassVar = (
        "Both ends read an end of stream with no WebSocket close frame before it. The next connection is "
        "answered."
    )
    expected_client_behaviour: ClassVar = (
        "Detects it at once, waits for a jittered delay, resumes its session; nothing is lost, redone or "
        "counted twice."
    )
    example: ClassVar = ""

    def disconnects(self, for_s: float | None, notice_s: float) -> bool:
        return True

    def shared_aspects(self) -> frozenset[Aspect]:
        return frozenset({Aspect.live})

    def effect(self) -> LinkEffect:
        return LinkEffect(action=LinkAction.cut)

    def symptoms(self) -> frozenset[Symptom]:
        return frozenset({Symptom.ended})

    def observed(self, seen: LinkEvidence) -> Observation:
        if not seen.during.ended(CloseKind.fin) and not seen.during.ended(CloseKind.torn):
            return Observation(False, f"the standing connection saw no FIN{no_connection_note(seen)}")
        if stayed := far_end_stayed(seen):
            return Observation(False, stayed)
        if blocked := seen.beside(Symptom.refused, Symptom.turned_away, Symptom.silent):
            return Observation(True, f"FIN on the standing connection; {blocked[0].name} kept new ones out")
        if seen.during.count(ConnectOutcome.refused) or not seen.during.count(ConnectOutcome.answered):
            return Observation(False, f"new connections should have worked; {connects_text(seen.during)}")
        return Observation(
            True, f"FIN on the standing connection; new ones worked ({connects_text(seen.during)})"
        )
