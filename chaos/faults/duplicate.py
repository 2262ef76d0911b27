"""Duplicated chunks."""

from __future__ import annotations

from typing import ClassVar

from chaos.chunk_fault import ChunkFault
from chaos.evidence import CloseKind, LinkEvidence, Observation, ProbeCounts, Symptom


class Duplicate(ChunkFault):
    """Chunks come twice."""

    name: ClassVar = "duplicate"
    rank: ClassVar = 130
    plain_effect: ClassVar = "some bytes arrive twice"
    summary: ClassVar = "some chunks come twice, the connection stays"
    visible_effect: ClassVar = (
        "A chunk (what one read gave, up to 32 KiB) comes twice in a row. The WebSocket stream is out of "
        "step, or a whole frame comes twice."
    )
    expected_client_behaviour: ClassVar = (
        "Counts and ignores duplicates, by its sequence numbers; no message has its effect twice."
    )
    example: ClassVar = "probability: 5%"

    @staticmethod
    def hits(counts: ProbeCounts) -> tuple[int, int]:
        return counts.repeated_up, counts.repeated_down

    def symptoms(self) -> frozenset[Symptom]:
        return frozenset({Symptom.repeated, Symptom.ended})

    def observed(self, seen: LinkEvidence) -> Observation:
        during = seen.during
        messages, chunks = during.repeated_messages, seen.counters.get("duplicated_chunks")
        because = f"{messages} probes came back twice, {chunks or 0} chunks were hit"

        def observation(real: bool, more: str = "") -> Observation:
            return Observation(real, because + more, measured=float(messages), quantity="repeated_probes")

        if chunks == 0:
            return observation(False, ": Toxiproxy hit no chunk here")
        if messages:
            trouble = self.mismatch(seen)
            return observation(not trouble, f": {trouble}" if trouble else "")
        if not (chunks and (during.ended(CloseKind.protocol) or during.ended(CloseKind.given_up))):
            return observation(False)
        others = seen.beside(Symptom.missing, Symptom.damaged)
        return observation(not others, f": {others[0].name} was on this link too" if others else "")
