"""A pulled network cable."""

from __future__ import annotations

from typing import ClassVar

from chaos.abilities import Ability
from chaos.actuator import FaultActuator
from chaos.evidence import ContainerEffect, ContainerEvidence, ContainerStatus, Observation
from chaos.fault import Aspect, ContainerFault


class Unplug(ContainerFault):
    """The container is disconnected from the network under test, and reconnected with the same address
    and aliases.
    """

    name: ClassVar = "unplug"
    rank: ClassVar = 230
    needs: ClassVar = (Ability.unplug,)
    plain_effect: ClassVar = "off the network, and plugged in again later"
    changes: ClassVar = frozenset({ContainerEffect.unplugged})
    summary: ClassVar = (
        "off the network: no FIN, no RST, packets vanish; plugged in again with the same address"
    )
    visible_effect: ClassVar = (
        "Packets vanish both ways. Its own sends fail (no route) or wait; no byte reaches the other side. "
        "After plugging in again TCP retransmits, so a connection that neither side has closed continues."
    )
    expected_client_behaviour: ClassVar = (
        "Detects it by heartbeats alone, on both sides; survives a short one on the same connection, and "
        "resumes after a long one."
    )
    example: ClassVar = ""

    def disconnects(self, for_s: float | None, notice_s: float) -> bool:
        # Detection takes up to the heartbeat timeout, and a heartbeat may just have been answered.
        return for_s is not None and for_s > 1.5 * notice_s

    def exclusive_aspects(self) -> frozenset[Aspect]:
        return frozenset({Aspect.network})

    async def apply(self, actuator: FaultActuator, container: str) -> int:
        return await actuator.unplug(container)

    async def restore(self, actuator: FaultActuator, container: str) -> int:
        return await actuator.plug(container)

    def holds(self, state: ContainerStatus) -> bool:
        return not state.plugged

    def observed(self, seen: ContainerEvidence) -> Observation:
        if False not in seen.networks:
            return Observation(False, "the engine never showed it off the network")
        length_s = (seen.until_ns - seen.from_ns) / 1e9
        if seen.probed_links and seen.silent_links < seen.probed_links:
            return Observation(False, f"only {seen.silent_links} of {seen.probed_links} links fell silent")
        # A short one may go undetected, as with a real cable; a long one must have been detected by the other
        # side.
        if length_s > 10.0 and not seen.noticed and seen.has_journal and not seen.probed_links:
            return Observation(
                False, f"off the network for {length_s:.0f} s, and the other side noticed nothing"
            )
        return Observation(
            True,
            "the engine showed it off the network" + (", and the other side noticed" if seen.noticed else ""),
        )
