"""Silence on a live connection; held bytes arrive when it ends."""

from __future__ import annotations

from typing import ClassVar

from chaos.actuator import LinkEffect, Toxic
from chaos.coverage import EffectSample
from chaos.evidence import LinkEvidence, Observation, Symptom
from chaos.evidence_checks import (
    before_other_faults,
    close_kinds_text,
    continuous_silence,
    not_silent_text,
    silence_samples,
    wrong_direction,
)
from chaos.fault import Aspect, DirectedFault
from chaos.prober.probe_rate import ProbeRate


class Stall(DirectedFault):
    """Bytes are held, and delivered in order when it ends."""

    name: ClassVar = "stall"
    rank: ClassVar = 40
    plain_effect: ClassVar = "silent: everything arrives only when it ends"
    summary: ClassVar = "silence on live connections; held bytes arrive when it ends"
    visible_effect: ClassVar = (
        "Nothing comes and nothing fails: no FIN, no RST; new connections are accepted and get no answer. "
        "When it ends, all that was held arrives in order on the same connections, even the FIN of a side "
        "that gave up meanwhile."
    )
    expected_client_behaviour: ClassVar = (
        "Detects it within heartbeat interval + timeout, on both sides; resumes afterwards; accepts no held "
        "message twice."
    )
    probe_rate: ClassVar = ProbeRate(probes_per_s=2)
    example: ClassVar = "direction: to_coordinator"

    def disconnects(self, for_s: float | None, notice_s: float) -> bool:
        # Detection takes up to the heartbeat timeout, and a heartbeat may just have been answered.
        return for_s is not None and for_s > 1.5 * notice_s

    def exclusive_aspects(self) -> frozenset[Aspect]:
        return self.halves() | {Aspect.new}

    def effect(self) -> LinkEffect:
        return LinkEffect((Toxic("hold", self.direction),))

    def symptoms(self) -> frozenset[Symptom]:
        return frozenset({Symptom.silent})

    def observed(self, seen: LinkEvidence) -> Observation:
        if ended := close_kinds_text(seen.during):
            return Observation(False, f"the connection ended ({ended}) where it should only have been silent")
        silence = continuous_silence(before_other_faults(seen, Symptom.ended))
        if silence is None:
            return Observation(False, not_silent_text(seen.during))
        # Bytes that another fault lost meanwhile cannot arrive afterwards.
        lost_by_another = seen.beside(Symptom.ended, Symptom.missing)
        if not silence.healed and not lost_by_another:
            return Observation(False, "the link was silent, and what was held did not arrive afterwards")
        if way := wrong_direction(seen, silence, self.direction):
            return Observation(False, f"the link was silent, but not the way that was asked: {way}")
        if not silence.healed:
            return Observation(True, f"silent all the while; {lost_by_another[0].name} took what was held")
        return Observation(True, "silent all the while, and every held byte arrived in order afterwards")

    def effect_samples(self, seen: LinkEvidence) -> list[EffectSample]:
        return silence_samples(seen.during)
