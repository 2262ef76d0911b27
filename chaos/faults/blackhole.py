"""Lost bytes; half-open connections."""

from __future__ import annotations

from typing import ClassVar

from chaos.actuator import LinkEffect, Toxic
from chaos.coverage import EffectSample
from chaos.evidence import ConnectOutcome, LinkEvidence, Observation, Symptom
from chaos.evidence_checks import (
    before_other_faults,
    close_kinds_text,
    connects_text,
    continuous_silence,
    not_silent_text,
    silence_samples,
    wrong_direction,
)
from chaos.fault import Aspect, DirectedFault
from chaos.prober.probe_rate import ProbeRate


class Blackhole(DirectedFault):
    """Bytes and FINs are lost, and no connection is closed: half-open connections."""

    name: ClassVar = "blackhole"
    rank: ClassVar = 60
    plain_effect: ClassVar = "swallowed: bytes vanish, and connections hang"
    summary: ClassVar = "bytes vanish; connections are accepted and hang: half-open"
    visible_effect: ClassVar = (
        "Nothing comes and nothing fails, and what is sent is gone for good, a FIN too: the close of one "
        "side does not reach the other. New connections are accepted and hang. When it ends, connections "
        "that lost something are closed (FIN)."
    )
    expected_client_behaviour: ClassVar = (
        "Both sides detect it by heartbeats alone; lost messages are sent again in the resumed session, once."
    )
    probe_rate: ClassVar = ProbeRate(probes_per_s=2, connects_per_s=0.5)
    example: ClassVar = "direction: to_worker"

    def disconnects(self, for_s: float | None, notice_s: float) -> bool:
        # Detection takes up to the heartbeat timeout, and a heartbeat may just have been answered.
        return for_s is not None and for_s > 1.5 * notice_s

    def exclusive_aspects(self) -> frozenset[Aspect]:
        return self.halves() | {Aspect.new}

    def effect(self) -> LinkEffect:
        return LinkEffect((Toxic("blackhole", self.direction),))

    def symptoms(self) -> frozenset[Symptom]:
        return frozenset({Symptom.silent, Symptom.missing, Symptom.ended})

    def effect_samples(self, seen: LinkEvidence) -> list[EffectSample]:
        return silence_samples(seen.during)

    def observed(self, seen: LinkEvidence) -> Observation:
        if ended := close_kinds_text(seen.during):
            return Observation(
                False, f"the connection ended ({ended}) where it should have been left half-open"
            )
        silence = continuous_silence(before_other_faults(seen, Symptom.ended))
        if silence is None:
            return Observation(False, not_silent_text(seen.during))
        if silence.healed:
            return Observation(
                False, "the link was silent, but what was sent arrived afterwards: nothing vanished"
            )
        if way := wrong_direction(seen, silence, self.direction):
            return Observation(False, f"the link was silent, but not the way that was asked: {way}")
        if seen.beside(Symptom.refused, Symptom.turned_away) and not seen.during.tries:
            return Observation(True, "silent all the while, and what was sent never came")
        if not seen.during.count(ConnectOutcome.hung) or seen.during.count(ConnectOutcome.answered):
            return Observation(False, f"new connections should have hung; {connects_text(seen.during)}")
        hung = f"new connections hung ({connects_text(seen.during)})"
        return Observation(True, f"silent all the while, what was sent never came, {hung}")
