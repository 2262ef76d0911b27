"""All processes of a container are frozen."""

from __future__ import annotations

from typing import ClassVar

from chaos.abilities import Ability
from chaos.actuator import FaultActuator
from chaos.evidence import ContainerEffect, ContainerEvidence, ContainerStatus, Observation
from chaos.fault import Aspect, ContainerFault

SETTLED_NS = 300_000_000


class Pause(ContainerFault):
    """Processes stop where they are, and continue later."""

    name: ClassVar = "pause"
    rank: ClassVar = 190
    needs: ClassVar = (Ability.pause,)
    plain_effect: ClassVar = "frozen, and continues later"
    changes: ClassVar = frozenset({ContainerEffect.paused})
    summary: ClassVar = "all processes are frozen, and continue when it ends"
    visible_effect: ClassVar = (
        "The kernel still acknowledges bytes and buffers them; the process does nothing. Afterwards its "
        "clocks have jumped."
    )
    expected_client_behaviour: ClassVar = (
        "A worker that was paused for longer than its lease stops that work by itself, and its late results "
        "are refused as stale. A coordinator that was paused expires no lease before it has read its "
        "sockets again."
    )
    example: ClassVar = ""

    def disconnects(self, for_s: float | None, notice_s: float) -> bool:
        # Detection takes up to the heartbeat timeout, and a heartbeat may just have been answered.
        return for_s is not None and for_s > 1.5 * notice_s

    def exclusive_aspects(self) -> frozenset[Aspect]:
        return frozenset({Aspect.process})

    async def apply(self, actuator: FaultActuator, container: str) -> int:
        return await actuator.pause(container)

    async def restore(self, actuator: FaultActuator, container: str) -> int:
        return await actuator.unpause(container)

    def holds(self, state: ContainerStatus) -> bool:
        return state.status == "paused"

    def observed(self, seen: ContainerEvidence) -> Observation:
        lines_ns = [at for at in seen.lines_ns if seen.from_ns + SETTLED_NS < at < seen.until_ns]
        if "paused" not in seen.states:
            return Observation(False, "the engine never called it paused")
        if lines_ns:
            return Observation(
                False, f"it wrote {len(lines_ns)} journal lines while it should have been frozen"
            )
        if seen.probed_links and seen.silent_links < seen.probed_links:
            return Observation(False, f"only {seen.silent_links} of {seen.probed_links} links fell silent")
        if seen.is_seen_by_engine_alone:
            return Observation(True, "the engine called it paused")
        return Observation(True, "the engine called it paused, and it wrote nothing all the while")
