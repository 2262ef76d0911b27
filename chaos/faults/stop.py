"""SIGTERM with grace."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaos.abilities import Ability
from chaos.actuator import FaultActuator
from chaos.evidence import ContainerEffect, ContainerEvidence, ContainerStatus, Observation
from chaos.fault import Aspect, ContainerFault
from chaos.unit_types import Seconds


class Stop(ContainerFault):
    """An orderly stop; when the fault ends, the container is started again."""

    name: ClassVar = "stop"
    rank: ClassVar = 210
    needs: ClassVar = (Ability.stop, Ability.restart)
    plain_effect: ClassVar = "stopped in order, and started again later"
    changes: ClassVar = frozenset({ContainerEffect.ended})
    begins_when_asked: ClassVar = True
    summary: ClassVar = "SIGTERM, and SIGKILL after the grace; started again when it ends"
    visible_effect: ClassVar = (
        "The process gets SIGTERM: it may drain, and close its connections with a close frame."
    )
    expected_client_behaviour: ClassVar = (
        "Finishes or returns its work within the grace, sends Goodbye, and leaves nothing for the other "
        "side to time out."
    )
    example: ClassVar = "grace: 10s"

    grace_s: Annotated[Seconds, Field(ge=0, le=120, description="how long it may take before SIGKILL")] = 10.0

    def disconnects(self, for_s: float | None, notice_s: float) -> bool:
        return True

    def exclusive_aspects(self) -> frozenset[Aspect]:
        return frozenset({Aspect.process, Aspect.network})

    async def apply(self, actuator: FaultActuator, container: str) -> int:
        return await actuator.stop(container, self.grace_s)

    async def restore(self, actuator: FaultActuator, container: str) -> int:
        return await actuator.start(container)

    def holds(self, state: ContainerStatus) -> bool:
        return state.ended

    def observed(self, seen: ContainerEvidence) -> Observation:
        if "exited" not in seen.states:
            return Observation(False, "the engine never called it exited")
        how = "in order" if seen.stopped_in_order else "without its last word"
        if not seen.came_back(seen.until_ns):
            return Observation(False, f"it stopped {how}, and no new life of it was seen afterwards")
        if seen.is_seen_by_engine_alone:
            return Observation(True, "the engine called it exited, and started it again afterwards")
        return Observation(True, f"it stopped {how}, and a new life began afterwards")
