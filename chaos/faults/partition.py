"""A network partition that heals in place."""

from __future__ import annotations

from typing import ClassVar

from chaos.faults.stall import Stall


class Partition(Stall):
    """TCP over a partition that heals: silence, and then all bytes that were sent, since TCP
    retransmits them.
    """

    name: ClassVar = "partition"
    rank: ClassVar = 50
    plain_effect: ClassVar = "parted: nothing passes until the network heals"
    summary: ClassVar = "no byte between workers and coordinator; the network heals in place"
    visible_effect: ClassVar = (
        "As in `stall`: silence without FIN or RST, new connections hang, and after healing the bytes that "
        "TCP kept arrive in order. With one direction it is an asymmetric partition: bytes of one side "
        "still arrive."
    )
    expected_client_behaviour: ClassVar = (
        "Detects it within heartbeat interval + timeout, lets leases expire, and reconnects by itself after "
        "healing."
    )
    example: ClassVar = ""
