"""On which host each process of a lab runs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from driver.engines.engine import WORKER
from wire.address import index_in_name

NO_PLACEMENT: Mapping[str, int] = {}


def host_for(name: str, hosts: Sequence[str], fixed: Mapping[str, int] = NO_PLACEMENT) -> str:
    """Return the host of a process: the one whose number `fixed` has, else workers are spread over all hosts
    in turn.

    Toxiproxy, the coordinator and the prober share the first host: two of their clocks measure one figure.
    """
    assert hosts, "there is a host"
    if name in fixed:
        return hosts[fixed[name] - 1]
    if not name.startswith(f"{WORKER}-"):
        return hosts[0]
    return hosts[index_in_name(name) % len(hosts)]
