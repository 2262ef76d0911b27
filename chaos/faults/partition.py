"""A network partition that heals in place."""

from __future__ import annotations

from typing import ClassVar

from chaos.faults.stall import Stall


class Partition(Stall):
    """What TCP makes of a partition that heals: silence, and then all that was sent, since it was sent again
    and again.
    """

    name: ClassVar = "partition"
    summary: ClassVar = "workers and coordinator hear nothing of each other, and the network heals in place"
    ends_see: ClassVar = (
        "As in `stall`: silence without FIN or RST, new connections hang, and after healing the bytes that "
        "TCP kept arrive in order. With one direction it is an asymmetric partition: one side still hears "
        "the other."
    )
    good_client: ClassVar = (
        "Notices within heartbeat interval + timeout, lets leases run out, and comes back by itself after "
        "healing."
    )
    example: ClassVar = ""
