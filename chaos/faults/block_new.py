"""No new connections."""

from __future__ import annotations

from typing import ClassVar

from chaos.actuator import LinkAction, LinkEffect
from chaos.coverage import EffectSample
from chaos.evidence import ConnectOutcome, LinkEvidence, Observation, Symptom
from chaos.evidence_checks import close_kinds_text, connect_samples, connects_text
from chaos.fault import Aspect, LinkFault
from chaos.prober.probe_rate import ProbeRate


class BlockNew(LinkFault):
    """Live connections stay; new connections are refused."""

    name: ClassVar = "block_new_only"
    rank: ClassVar = 90
    plain_effect: ClassVar = "no new connections; live ones stay"
    summary: ClassVar = "live connections stay; new ones are refused until it ends"
    visible_effect: ClassVar = "Live connections are unaffected; every attempt to connect gets ECONNREFUSED."
    expected_client_behaviour: ClassVar = (
        "Is unaffected while it is connected. A client that must reconnect meanwhile retries, as in `refuse`."
    )
    probe_rate: ClassVar = ProbeRate(connects_per_s=1)
    example: ClassVar = ""

    def exclusive_aspects(self) -> frozenset[Aspect]:
        return frozenset({Aspect.new})

    def effect(self) -> LinkEffect:
        return LinkEffect(action=LinkAction.block_new)

    def symptoms(self) -> frozenset[Symptom]:
        return frozenset({Symptom.refused})

    def effect_samples(self, seen: LinkEvidence) -> list[EffectSample]:
        return connect_samples(seen.during, ConnectOutcome.refused)

    def observed(self, seen: LinkEvidence) -> Observation:
        if not seen.during.count(ConnectOutcome.refused) or seen.during.count(ConnectOutcome.answered):
            return Observation(
                False, f"new connections should have been refused; {connects_text(seen.during)}"
            )
        if ended := close_kinds_text(seen.during):
            return Observation(False, f"the standing connection ended ({ended}) where it should have stayed")
        return Observation(
            True, f"new connections refused ({connects_text(seen.during)}); the standing one stayed"
        )
