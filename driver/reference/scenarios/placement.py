"""On which host each worker of a scenario runs: the value of `placement:`, resolved to names. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from chaos.targets import CORE, Fleet, Selection, TargetError
from wire.address import index_in_name

MAX_HOSTS = 100
_HOST = re.compile(r"host-([1-9]\d{0,2})", re.ASCII)


def host_number(worker: str, hosts: int) -> int:
    """Return the number of the host of a worker that is spread: from 1, the second host first, since the
    first has the coordinator.
    """
    return index_in_name(worker) % hosts + 1


def placed(written: int | Mapping[str, Selection], fleet: Fleet) -> dict[str, int]:
    """Return the number of each worker's host; {} for 0, where the engine decides.

    Raises TargetError where a worker is on no host or on two, and for a host of another name than host-N.
    """
    if isinstance(written, int):
        if not 0 <= written <= MAX_HOSTS:
            raise TargetError(f"expected 1 to {MAX_HOSTS} hosts; found {written}")
        return {worker: host_number(worker, written) for worker in fleet.clients} if written else {}
    found: dict[str, int] = {}
    for name, selection in written.items():
        match = _HOST.fullmatch(name)
        if match is None or int(match[1]) > MAX_HOSTS:
            raise TargetError(f"expected a host like host-2, up to host-{MAX_HOSTS}; found {name[:80]!r}")
        for worker in fleet.select(selection, f"placement/{name}"):
            if worker in CORE:
                raise TargetError(f"{worker} always runs on the first host; place workers alone")
            if worker in found:
                raise TargetError(f"{worker} is placed on host-{found[worker]} and on {name}")
            found[worker] = int(match[1])
    if left := [worker for worker in fleet.clients if worker not in found]:
        raise TargetError(f"{left[0]} is placed on no host, and so are {len(left) - 1} others")
    return found


def host_groups(placement: Mapping[str, int]) -> dict[str, Selection]:
    """Return the workers of each host as a group of targets: host-2."""
    groups: dict[str, list[str]] = {}
    for worker, number in placement.items():
        groups.setdefault(f"host-{number}", []).append(worker)
    return dict(groups)
