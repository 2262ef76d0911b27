"""Lost chunks."""

from __future__ import annotations

from typing import ClassVar

from chaos.chunk_fault import ChunkFault
from chaos.evidence import CloseKind, LinkEvidence, Observation, ProbeCounts, Symptom


class Drop(ChunkFault):
    """Chunks are missing."""

    name: ClassVar = "drop"
    rank: ClassVar = 140
    plain_effect: ClassVar = "some bytes never arrive"
    summary: ClassVar = "some chunks are missing, the connection stays"
    visible_effect: ClassVar = (
        "A chunk (what one read gave, up to 32 KiB) is missing; what follows arrives. The WebSocket stream "
        "is out of step, or a whole frame is missing."
    )
    expected_client_behaviour: ClassVar = (
        "Detects the gap by its sequence numbers or by the broken framing, closes and resumes; never "
        "continues over a gap."
    )
    example: ClassVar = "probability: 5%"

    @staticmethod
    def hits(counts: ProbeCounts) -> tuple[int, int]:
        return counts.missing_up, counts.missing_down

    def symptoms(self) -> frozenset[Symptom]:
        return frozenset({Symptom.missing, Symptom.ended, Symptom.silent})

    def observed(self, seen: LinkEvidence) -> Observation:
        during = seen.during
        messages, chunks = during.missing_messages, seen.counters.get("dropped_chunks")
        because = f"{messages} probes never came back, {chunks or 0} chunks were hit"

        def observation(real: bool, more: str = "") -> Observation:
            return Observation(real, because + more, measured=float(messages), quantity="missing_probes")

        if chunks == 0:
            return observation(False, ": Toxiproxy hit no chunk here")
        if messages:
            trouble = self.mismatch(seen)
            # Damage and a blackhole cause missing messages too.
            others = seen.beside(Symptom.missing, Symptom.damaged)
            if others and not trouble and not chunks:
                trouble = f"{others[0].name} was on this link too"
            return observation(not trouble, f": {trouble}" if trouble else "")
        ended = during.ended(CloseKind.protocol) or during.ended(CloseKind.given_up)
        # A missing message is detected when a later one arrives; a long run of them shows as a silence.
        silent = any(not silence.healed for silence in during.silences)
        if not (chunks and (ended or silent)):
            return observation(False)
        others = seen.beside(Symptom.missing, Symptom.damaged, Symptom.silent, Symptom.repeated)
        return observation(not others, f": {others[0].name} was on this link too" if others else "")
