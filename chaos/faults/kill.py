"""SIGKILL."""

from __future__ import annotations

from typing import ClassVar

from chaos.evidence import Change, ContainerSeen, ContainerState, Observation
from chaos.fault import Aspect, ContainerFault
from chaos.hands import Hands


class Kill(ContainerFault):
    """SIGKILL; when the fault ends, the container is started again."""

    name: ClassVar = "kill"
    changes: ClassVar = frozenset({Change.ended})
    done_at_once: ClassVar = True
    summary: ClassVar = "SIGKILL: no goodbye, nothing saved; started again when it ends"
    ends_see: ClassVar = (
        "The kernel closes its sockets: the other end reads FIN or RST. Memory is gone; what is on disk "
        "stays."
    )
    good_client: ClassVar = (
        "Comes back as a new life of the same name; what it had acknowledged is still there, what it had not "
        "is done again, once."
    )
    example: ClassVar = ""

    def cuts(self, for_s: float | None, notice_s: float) -> bool:
        return True

    def alone(self) -> frozenset[Aspect]:
        return frozenset({Aspect.process, Aspect.network})

    async def hit(self, hands: Hands, container: str) -> int:
        return await hands.kill(container)

    async def restore(self, hands: Hands, container: str) -> int:
        return await hands.start(container)

    def holds(self, state: ContainerState) -> bool:
        return state.ended

    def observed(self, seen: ContainerSeen) -> Observation:
        if seen.stopped_in_order:
            return Observation(False, "it said goodbye: that was no SIGKILL")
        if "exited" not in seen.states:
            return Observation(False, "the engine never called it exited")
        if not seen.came_back(seen.until_ns):
            return Observation(False, "no new life of it was seen afterwards")
        return Observation(True, "it was gone without a goodbye, and a new life began afterwards")
