"""SIGKILL."""

from __future__ import annotations

from typing import ClassVar

from chaos.abilities import Ability
from chaos.actuator import FaultActuator
from chaos.evidence import ContainerEffect, ContainerEvidence, ContainerStatus, Observation
from chaos.fault import Aspect, ContainerFault


class Kill(ContainerFault):
    """SIGKILL; when the fault ends, the container is started again."""

    name: ClassVar = "kill"
    rank: ClassVar = 200
    needs: ClassVar = (Ability.kill, Ability.restart)
    plain_effect: ClassVar = "killed, and started again later"
    changes: ClassVar = frozenset({ContainerEffect.ended})
    done_at_once: ClassVar = True
    summary: ClassVar = "SIGKILL, without a drain; started again when it ends"
    visible_effect: ClassVar = (
        "The kernel closes its sockets: the other end reads FIN or RST. Memory is gone; what is on disk "
        "stays."
    )
    expected_client_behaviour: ClassVar = (
        "Starts again under the same name; what it had acknowledged is still there, the rest is done again, "
        "once."
    )
    example: ClassVar = ""

    def disconnects(self, for_s: float | None, notice_s: float) -> bool:
        return True

    def exclusive_aspects(self) -> frozenset[Aspect]:
        return frozenset({Aspect.process, Aspect.network})

    async def apply(self, actuator: FaultActuator, container: str) -> int:
        return await actuator.kill(container)

    async def restore(self, actuator: FaultActuator, container: str) -> int:
        return await actuator.start(container)

    def holds(self, state: ContainerStatus) -> bool:
        return state.ended

    def observed(self, seen: ContainerEvidence) -> Observation:
        if seen.stopped_in_order:
            return Observation(False, "it said goodbye: that was no SIGKILL")
        if "exited" not in seen.states:
            return Observation(False, "the engine never called it exited")
        if not seen.came_back(seen.until_ns):
            return Observation(False, "no new life of it was seen afterwards")
        if seen.is_seen_by_engine_alone:
            return Observation(True, "the engine called it exited, and started it again afterwards")
        return Observation(True, "it was gone without a goodbye, and a new life began afterwards")
