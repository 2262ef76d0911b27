"""A chunk is missing."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaos.chance import LOOSE, chance_signs, probe_trouble, reach_ns
from chaos.evidence import Ending, LinkSeen, Observation, Tally, Trace
from chaos.fault import DirectedFault
from chaos.hands import LinkEffect, Toxic
from chaos.prober.look import Look
from chaos.through import Sign
from chaos.units import Share


class Drop(DirectedFault):
    """Chunks are missing."""

    name: ClassVar = "drop"
    summary: ClassVar = "some chunks are missing, the connection stays"
    ends_see: ClassVar = (
        "A chunk (what one read gave, up to 32 KiB) is missing; what follows arrives. The WebSocket stream "
        "is out of step, or a whole frame is missing."
    )
    good_client: ClassVar = (
        "Notices the gap by its sequence numbers or by the broken framing, closes and resumes; never goes on "
        "as if nothing had been lost."
    )
    example: ClassVar = "probability: 5%"

    probability: Annotated[Share, Field(gt=0, description="for each chunk to be hit")]

    def look_for(self, for_s: float | None) -> Look:
        # Each probe is a chunk each way: about thirty of them should be hit while it lasts.
        enough = 15 / (self.probability * max(for_s or 10.0, 1.0))
        return Look(probes_per_s=max(2.0, min(25.0, enough)))

    def effect(self) -> LinkEffect:
        return LinkEffect((Toxic("drop", self.direction, {"probability": self.probability}),))

    def traces(self) -> frozenset[Trace]:
        return frozenset({Trace.missing, Trace.ended, Trace.silent})

    def observed(self, seen: LinkSeen) -> Observation:
        during = seen.during
        messages, chunks = during.missing_messages, seen.counters.get("dropped_chunks")
        because = f"{messages} probes never came back, {chunks or 0} chunks were hit"

        def told(real: bool, more: str = "") -> Observation:
            return Observation(real, because + more, measured=float(messages), quantity="missing_probes")

        if chunks == 0:
            return told(False, ": Toxiproxy hit no chunk here")
        if messages:
            trouble = probe_trouble(during.tallies, _ways, self._asked(), self.direction)
            # What damage or a hole leaves is missing too.
            others = seen.beside(Trace.missing, Trace.damaged)
            if others and not trouble and not chunks:
                trouble = f"{others[0].name} was on this link too"
            return told(not trouble, f": {trouble}" if trouble else "")
        ended = during.ended(Ending.protocol) or during.ended(Ending.given_up)
        # What is missing is known when something later is heard: of a long row of them, the silence shows in
        # time.
        silent = any(not silence.healed for silence in during.silences)
        if not (chunks and (ended or silent)):
            return told(False)
        others = seen.beside(Trace.missing, Trace.damaged, Trace.silent, Trace.repeated)
        return told(not others, f": {others[0].name} was on this link too" if others else "")

    def signs(self, seen: LinkSeen) -> list[Sign]:
        return chance_signs(seen.during.tallies, _tries, _hits, self._asked() / LOOSE)

    def reach_ns(self, seen: LinkSeen) -> int:
        return reach_ns(seen.during.tallies, _tries, self._asked() / LOOSE, super().reach_ns(seen))

    def _asked(self) -> float:
        """Of a probe: it is a chunk each way that is hurt."""
        return 1 - (1 - self.probability) ** len(self.direction.halves)


def _tries(tally: Tally) -> int:
    return tally.sent


def _ways(tally: Tally) -> tuple[int, int]:
    """To the coordinator and to the worker."""
    return tally.missing_up, tally.missing_down


def _hits(tally: Tally) -> int:
    return sum(_ways(tally))
