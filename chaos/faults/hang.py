"""Unanswered upgrades."""

from __future__ import annotations

from typing import ClassVar

from chaos.actuator import LinkEffect, Toxic
from chaos.coverage import EffectSample
from chaos.directions import Direction
from chaos.evidence import ConnectOutcome, LinkEvidence, Observation, Symptom
from chaos.evidence_checks import close_kinds_text, connect_samples, connects_text, continuous_silence
from chaos.fault import Aspect, Layer, LinkFault
from chaos.prober.probe_rate import ProbeRate


class Hang(LinkFault):
    """Upgrade requests are accepted and never answered."""

    name: ClassVar = "hang"
    rank: ClassVar = 180
    plain_effect: ClassVar = "new connections get no answer"
    layer: ClassVar = Layer.handshake
    summary: ClassVar = "new connections are accepted and never answered"
    visible_effect: ClassVar = (
        "The TCP connection is made, the upgrade request is sent, and no response arrives; when it ends, "
        "hung connections are closed."
    )
    expected_client_behaviour: ClassVar = (
        "Aborts an unanswered upgrade after its connect timeout, and retries; it never waits for ever."
    )
    probe_rate: ClassVar = ProbeRate(connects_per_s=1)
    example: ClassVar = ""

    def exclusive_aspects(self) -> frozenset[Aspect]:
        return frozenset({Aspect.new})

    def effect(self) -> LinkEffect:
        return LinkEffect((Toxic("hang", Direction.to_server),))

    def symptoms(self) -> frozenset[Symptom]:
        return frozenset({Symptom.turned_away})

    def effect_samples(self, seen: LinkEvidence) -> list[EffectSample]:
        return connect_samples(seen.during, ConnectOutcome.hung)

    def observed(self, seen: LinkEvidence) -> Observation:
        if ended := close_kinds_text(seen.during):
            return Observation(False, f"the standing connection ended ({ended}) where it should have stayed")
        if continuous_silence(seen.during) is not None and not seen.beside(Symptom.silent):
            return Observation(False, "the standing connection fell silent where it should have stayed")
        if not seen.during.count(ConnectOutcome.hung) or seen.during.count(ConnectOutcome.answered):
            return Observation(False, f"new connections should have hung; {connects_text(seen.during)}")
        return Observation(
            True, f"new connections were accepted and not answered ({connects_text(seen.during)})"
        )
