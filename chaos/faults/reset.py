"""RST on live connections at once, idle ones too."""

from __future__ import annotations

from typing import ClassVar

from chaos.actuator import LinkAction, LinkEffect
from chaos.evidence import CloseKind, ConnectOutcome, LinkEvidence, Observation, Symptom
from chaos.evidence_checks import connects_text, far_end_stayed, no_connection_note
from chaos.fault import Aspect, LinkFault


class Reset(LinkFault):
    """Every live connection of the link ends with RST at both ends, at once, idle ones too."""

    name: ClassVar = "reset"
    rank: ClassVar = 100
    plain_effect: ClassVar = "connections are reset once"
    lasting: ClassVar = False
    summary: ClassVar = "RST on live connections at once, idle ones too; new ones work"
    visible_effect: ClassVar = (
        "Both ends get ECONNRESET at once; bytes in transit to them are lost. The next connection is "
        "answered."
    )
    expected_client_behaviour: ClassVar = (
        "Handles a reset like any loss: resumes its session, and sends again what the other side lacks."
    )
    example: ClassVar = ""

    def disconnects(self, for_s: float | None, notice_s: float) -> bool:
        return True

    def shared_aspects(self) -> frozenset[Aspect]:
        return frozenset({Aspect.live})

    def effect(self) -> LinkEffect:
        return LinkEffect(action=LinkAction.reset)

    def symptoms(self) -> frozenset[Symptom]:
        return frozenset({Symptom.ended})

    def observed(self, seen: LinkEvidence) -> Observation:
        if not seen.during.ended(CloseKind.rst):
            return Observation(False, f"the standing connection saw no RST{no_connection_note(seen)}")
        if stayed := far_end_stayed(seen):
            return Observation(False, stayed)
        if blocked := seen.beside(Symptom.refused, Symptom.turned_away, Symptom.silent):
            return Observation(True, f"RST on the standing connection; {blocked[0].name} kept new ones out")
        if seen.during.count(ConnectOutcome.refused) or not seen.during.count(ConnectOutcome.answered):
            return Observation(False, f"new connections should have worked; {connects_text(seen.during)}")
        return Observation(
            True, f"RST on the standing connection; new ones worked ({connects_text(seen.during)})"
        )
