"""A pulled network cable."""

from __future__ import annotations

from typing import ClassVar

from chaos.evidence import Change, ContainerSeen, ContainerState, Observation
from chaos.fault import Aspect, ContainerFault
from chaos.hands import Hands


class Unplug(ContainerFault):
    """The container leaves the network under test, and gets the same address and names when it comes back."""

    name: ClassVar = "unplug"
    changes: ClassVar = frozenset({Change.unplugged})
    summary: ClassVar = (
        "off the network: no FIN, no RST, packets vanish; plugged in again with the same address"
    )
    ends_see: ClassVar = (
        "Packets vanish both ways. Its own sends fail (no route) or wait; the other side hears nothing. "
        "After plugging in again TCP sends anew, so a connection that nobody gave up goes on."
    )
    good_client: ClassVar = (
        "Notices by heartbeat alone, on both sides; survives a short one on the same connection, and resumes "
        "after a long one."
    )
    example: ClassVar = ""

    def cuts(self, for_s: float | None, notice_s: float) -> bool:
        # Noticing takes up to the heartbeat's timeout, and a heartbeat may just have been answered.
        return for_s is not None and for_s > 1.5 * notice_s

    def alone(self) -> frozenset[Aspect]:
        return frozenset({Aspect.network})

    async def hit(self, hands: Hands, container: str) -> int:
        return await hands.unplug(container)

    async def restore(self, hands: Hands, container: str) -> int:
        return await hands.plug(container)

    def holds(self, state: ContainerState) -> bool:
        return not state.plugged

    def observed(self, seen: ContainerSeen) -> Observation:
        if False not in seen.networks:
            return Observation(False, "the engine never showed it off the network")
        length_s = (seen.until_ns - seen.from_ns) / 1e9
        if seen.probed_links and seen.silent_links < seen.probed_links:
            return Observation(False, f"only {seen.silent_links} of {seen.probed_links} links fell silent")
        # A short one may pass unnoticed, as it does with a real cable; a long one must have been noticed by
        # the other side.
        if length_s > 10.0 and not seen.noticed and not seen.probed_links:
            return Observation(
                False, f"off the network for {length_s:.0f} s, and the other side noticed nothing"
            )
        return Observation(
            True,
            "the engine showed it off the network" + (", and the other side noticed" if seen.noticed else ""),
        )
