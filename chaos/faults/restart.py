"""Stop and start at once."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaos.abilities import Ability
from chaos.actuator import FaultActuator
from chaos.evidence import ContainerEffect, ContainerEvidence, Observation
from chaos.fault import Aspect, ContainerFault
from chaos.unit_types import Seconds


class Restart(ContainerFault):
    """A restart, as by a deployment."""

    name: ClassVar = "restart"
    rank: ClassVar = 220
    needs: ClassVar = (Ability.restart, Ability.stop)
    plain_effect: ClassVar = "restarted at once, as by a deployment"
    changes: ClassVar = frozenset({ContainerEffect.ended})
    lasting: ClassVar = False
    begins_when_asked: ClassVar = True
    summary: ClassVar = "SIGTERM with grace, and started again at once"
    visible_effect: ClassVar = (
        "As in `stop`; started again within a second or two under the same name and address."
    )
    expected_client_behaviour: ClassVar = (
        "Drains; after the start it resumes or begins a new session, and no task waits longer than the "
        "restart takes."
    )
    example: ClassVar = "grace: 10s"

    grace_s: Annotated[Seconds, Field(ge=0, le=120, description="how long it may take before SIGKILL")] = 10.0

    def disconnects(self, for_s: float | None, notice_s: float) -> bool:
        return True

    def exclusive_aspects(self) -> frozenset[Aspect]:
        return frozenset({Aspect.process, Aspect.network})

    async def apply(self, actuator: FaultActuator, container: str) -> int:
        return await actuator.restart(container, self.grace_s)

    async def restore(self, actuator: FaultActuator, container: str) -> int:
        # It runs already unless the engine failed in between; starting a running container has no effect.
        return await actuator.start(container)

    def observed(self, seen: ContainerEvidence) -> Observation:
        if not seen.came_back(seen.called_ns):
            return Observation(False, "no new life of it was seen")
        if seen.is_seen_by_engine_alone:
            return Observation(True, "the engine started it again")
        if not seen.has_journal:
            return Observation(
                True, f"a new life of it began: all {seen.probed_links} links broke and came back"
            )
        how = "after its last word" if seen.stopped_in_order else "without a last word before"
        return Observation(True, f"a new life of it began {how}")
