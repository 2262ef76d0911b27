"""Silence on a live connection; held bytes arrive when it ends."""

from __future__ import annotations

from typing import ClassVar

from chaos.evidence import LinkSeen, Observation, Trace
from chaos.fault import Aspect, DirectedFault
from chaos.hands import LinkEffect, Toxic
from chaos.prober.look import Look
from chaos.proof import before_others, broken, not_silent, silence_signs, silence_through, wrong_way
from chaos.through import Sign


class Stall(DirectedFault):
    """Bytes are held, and delivered in order when it ends."""

    name: ClassVar = "stall"
    summary: ClassVar = "silence on live connections; held bytes arrive when it ends"
    ends_see: ClassVar = (
        "Nothing comes and nothing fails: no FIN, no RST; new connections are accepted and get no answer. "
        "When it ends, all that was held arrives in order on the same connections, even the FIN of a side "
        "that gave up meanwhile."
    )
    good_client: ClassVar = (
        "Notices within heartbeat interval + timeout, on both sides; resumes afterwards; takes nothing twice "
        "of what was held."
    )
    look: ClassVar = Look(probes_per_s=2)
    example: ClassVar = "direction: to_coordinator"

    def cuts(self, for_s: float | None, notice_s: float) -> bool:
        # Noticing takes up to the heartbeat's timeout, and a heartbeat may just have been answered.
        return for_s is not None and for_s > 1.5 * notice_s

    def alone(self) -> frozenset[Aspect]:
        return self.halves() | {Aspect.new}

    def effect(self) -> LinkEffect:
        return LinkEffect((Toxic("hold", self.direction),))

    def traces(self) -> frozenset[Trace]:
        return frozenset({Trace.silent})

    def observed(self, seen: LinkSeen) -> Observation:
        if ended := broken(seen.during):
            return Observation(False, f"the connection ended ({ended}) where it should only have been silent")
        silence = silence_through(before_others(seen, Trace.ended))
        if silence is None:
            return Observation(False, not_silent(seen.during))
        # What another fault ended or lost meanwhile cannot arrive afterwards.
        lost_by_another = seen.beside(Trace.ended, Trace.missing)
        if not silence.healed and not lost_by_another:
            return Observation(False, "the link was silent, and what was held did not arrive afterwards")
        if way := wrong_way(seen, silence, self.direction):
            return Observation(False, f"the link was silent, but not the way that was asked: {way}")
        if not silence.healed:
            return Observation(True, f"silent all the while; {lost_by_another[0].name} took what was held")
        return Observation(True, "silent all the while, and every held byte arrived in order afterwards")

    def signs(self, seen: LinkSeen) -> list[Sign]:
        return silence_signs(seen.during)
