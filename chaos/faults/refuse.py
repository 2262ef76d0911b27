"""FIN on live connections; new ones refused until it ends."""

from __future__ import annotations

from typing import ClassVar

from chaos.actuator import LinkAction, LinkEffect
from chaos.coverage import EffectSample
from chaos.evidence import CloseKind, ConnectOutcome, LinkEvidence, Observation, Symptom
from chaos.evidence_checks import connect_samples, connects_text, no_connection_note
from chaos.fault import Aspect, LinkFault


class Refuse(LinkFault):
    """The link is down: live connections end, new ones are refused until it ends."""

    name: ClassVar = "refuse"
    rank: ClassVar = 80
    plain_effect: ClassVar = "down: connections are closed, and new ones refused"
    summary: ClassVar = "FIN on live connections; new ones are refused until it ends"
    visible_effect: ClassVar = (
        "Both ends read FIN; every attempt to connect gets ECONNREFUSED (a RST to its SYN) until the fault "
        "ends."
    )
    expected_client_behaviour: ClassVar = (
        "Retries without end with growing, jittered delays; reconnects soon after healing, without a herd; "
        "keeps its results."
    )
    example: ClassVar = ""

    def disconnects(self, for_s: float | None, notice_s: float) -> bool:
        return True

    def exclusive_aspects(self) -> frozenset[Aspect]:
        return frozenset({Aspect.to_client, Aspect.to_server, Aspect.new, Aspect.live})

    def effect(self) -> LinkEffect:
        return LinkEffect(action=LinkAction.refuse)

    def symptoms(self) -> frozenset[Symptom]:
        return frozenset({Symptom.ended, Symptom.refused})

    def observed(self, seen: LinkEvidence) -> Observation:
        fin = seen.during.ended(CloseKind.fin) or seen.during.ended(CloseKind.torn)
        # Without a standing connection no FIN can be observed.
        if not fin and seen.stood is not False:
            return Observation(False, "the standing connection saw no FIN")
        if not seen.during.count(ConnectOutcome.refused) or seen.during.count(ConnectOutcome.answered):
            return Observation(
                False, f"new connections should have been refused; {connects_text(seen.during)}"
            )
        begun = "FIN on the standing connection; new ones refused" if fin else "new connections refused"
        return Observation(
            True, f"{begun} ({connects_text(seen.during)}){'' if fin else no_connection_note(seen)}"
        )

    def effect_samples(self, seen: LinkEvidence) -> list[EffectSample]:
        return connect_samples(seen.during, ConnectOutcome.refused)
