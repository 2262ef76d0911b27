"""On which host each process of a lab runs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chaos.targets import CLIENT, client_number

NO_PLACEMENT: Mapping[str, int] = {}


def host_for(name: str, hosts: Sequence[str], fixed: Mapping[str, int] = NO_PLACEMENT) -> str:
    """Return the host of a process: the one whose number `fixed` has, else clients are spread over all hosts
    in turn.

    Toxiproxy, the server and the prober share the first host: two of their clocks measure one figure.
    """
    assert hosts, "there is a host"
    if name in fixed:
        return hosts[fixed[name] - 1]
    if not name.startswith(f"{CLIENT}-"):
        return hosts[0]
    return hosts[client_number(name) % len(hosts)]
