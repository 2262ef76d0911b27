"""Stop and start at once."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaos.evidence import Change, ContainerSeen, Observation
from chaos.fault import Aspect, ContainerFault
from chaos.hands import Hands
from chaos.units import Seconds


class Restart(ContainerFault):
    """What a deployment does to a process."""

    name: ClassVar = "restart"
    changes: ClassVar = frozenset({Change.ended})
    lasting: ClassVar = False
    begins_when_asked: ClassVar = True
    summary: ClassVar = "SIGTERM with grace, and started again at once"
    ends_see: ClassVar = "As in `stop`, and back within a second or two under the same name and address."
    good_client: ClassVar = (
        "Drains; its successor resumes or starts afresh, and no task waits for longer than the restart took."
    )
    example: ClassVar = "grace: 10s"

    grace_s: Annotated[Seconds, Field(ge=0, le=120, description="how long it may take before SIGKILL")] = 10.0

    def cuts(self, for_s: float | None, notice_s: float) -> bool:
        return True

    def alone(self) -> frozenset[Aspect]:
        return frozenset({Aspect.process, Aspect.network})

    async def hit(self, hands: Hands, container: str) -> int:
        return await hands.restart(container, self.grace_s)

    async def restore(self, hands: Hands, container: str) -> int:
        # It is back already unless the engine failed in between; starting what runs does no harm.
        return await hands.start(container)

    def observed(self, seen: ContainerSeen) -> Observation:
        if not seen.came_back(seen.called_ns):
            return Observation(False, "no new life of it was seen")
        if not seen.has_journal:
            return Observation(
                True, f"a new life of it began: all {seen.probed_links} links broke and came back"
            )
        how = "after its last word" if seen.stopped_in_order else "without a last word before"
        return Observation(True, f"a new life of it began {how}")
