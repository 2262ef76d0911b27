"""All processes of a container are frozen."""

from __future__ import annotations

from typing import ClassVar

from chaos.evidence import Change, ContainerSeen, ContainerState, Observation
from chaos.fault import Aspect, ContainerFault
from chaos.hands import Hands

SETTLED_NS = 300_000_000


class Pause(ContainerFault):
    """The freezer: processes stand still where they are, and go on as if no time had passed."""

    name: ClassVar = "pause"
    changes: ClassVar = frozenset({Change.paused})
    summary: ClassVar = "all processes are frozen (cgroup freezer), and go on when it ends"
    ends_see: ClassVar = (
        "The kernel still acknowledges bytes and buffers them; the process does nothing. Afterwards its "
        "clocks have jumped."
    )
    good_client: ClassVar = (
        "A worker that slept longer than its lease does not act on it any more: it stops that work by "
        "itself, and its late results are refused as stale. A coordinator that slept expires nobody before "
        "it has listened again."
    )
    example: ClassVar = ""

    def cuts(self, for_s: float | None, notice_s: float) -> bool:
        # Noticing takes up to the heartbeat's timeout, and a heartbeat may just have been answered.
        return for_s is not None and for_s > 1.5 * notice_s

    def alone(self) -> frozenset[Aspect]:
        return frozenset({Aspect.process})

    async def hit(self, hands: Hands, container: str) -> int:
        return await hands.pause(container)

    async def restore(self, hands: Hands, container: str) -> int:
        return await hands.unpause(container)

    def holds(self, state: ContainerState) -> bool:
        return state.status == "paused"

    def observed(self, seen: ContainerSeen) -> Observation:
        spoke = [at for at in seen.lines_ns if seen.from_ns + SETTLED_NS < at < seen.until_ns]
        if "paused" not in seen.states:
            return Observation(False, "the engine never called it paused")
        if spoke:
            return Observation(False, f"it wrote {len(spoke)} journal lines while it should have been frozen")
        if seen.probed_links and seen.silent_links < seen.probed_links:
            return Observation(False, f"only {seen.silent_links} of {seen.probed_links} links fell silent")
        return Observation(True, "the engine called it paused, and it wrote nothing all the while")
