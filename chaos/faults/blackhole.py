"""Bytes vanish; connections hang half-open."""

from __future__ import annotations

from typing import ClassVar

from chaos.evidence import LinkSeen, Observation, Outcome, Trace
from chaos.fault import Aspect, DirectedFault
from chaos.hands import LinkEffect, Toxic
from chaos.prober.look import Look
from chaos.proof import attempts, before_others, broken, not_silent, silence_signs, silence_through, wrong_way
from chaos.through import Sign


class Blackhole(DirectedFault):
    """Bytes and ends of connections vanish, and nothing is closed: half-open connections."""

    name: ClassVar = "blackhole"
    summary: ClassVar = "bytes vanish; connections are accepted and hang: half-open"
    ends_see: ClassVar = (
        "Nothing comes and nothing fails, and what is sent is gone for good, a FIN too: a side that closes "
        "is not heard by the other. New connections are accepted and hang. When it ends, connections that "
        "lost something are closed (FIN)."
    )
    good_client: ClassVar = (
        "Both sides notice by heartbeat alone; what was sent into the hole is sent again in the resumed "
        "session, once."
    )
    look: ClassVar = Look(probes_per_s=2, connects_per_s=0.5)
    example: ClassVar = "direction: to_worker"

    def cuts(self, for_s: float | None, notice_s: float) -> bool:
        # Noticing takes up to the heartbeat's timeout, and a heartbeat may just have been answered.
        return for_s is not None and for_s > 1.5 * notice_s

    def alone(self) -> frozenset[Aspect]:
        return self.halves() | {Aspect.new}

    def effect(self) -> LinkEffect:
        return LinkEffect((Toxic("blackhole", self.direction),))

    def traces(self) -> frozenset[Trace]:
        return frozenset({Trace.silent, Trace.missing, Trace.ended})

    def signs(self, seen: LinkSeen) -> list[Sign]:
        return silence_signs(seen.during)

    def observed(self, seen: LinkSeen) -> Observation:
        if ended := broken(seen.during):
            return Observation(
                False, f"the connection ended ({ended}) where it should have been left half-open"
            )
        silence = silence_through(before_others(seen, Trace.ended))
        if silence is None:
            return Observation(False, not_silent(seen.during))
        if silence.healed:
            return Observation(
                False, "the link was silent, but what was sent arrived afterwards: nothing vanished"
            )
        if way := wrong_way(seen, silence, self.direction):
            return Observation(False, f"the link was silent, but not the way that was asked: {way}")
        if seen.beside(Trace.refused, Trace.turned_away) and not seen.during.tries:
            return Observation(True, "silent all the while, and what was sent never came")
        if not seen.during.count(Outcome.hung) or seen.during.count(Outcome.answered):
            return Observation(False, f"new connections should have hung; {attempts(seen.during)}")
        return Observation(
            True,
            f"silent all the while, what was sent never came, new connections hung ({attempts(seen.during)})",
        )
