"""What a trial hits: pairs whose links carry traffic, one replica of each service, and all. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from driver.histories.link_names import client_of, is_client, pair_of, server_of, service_of
from driver.nouns import counted
from driver.trial.baseline import LEAST_WINDOW_S, SystemBaseline


class TrialTargets(msgspec.Struct, frozen=True):
    """Pairs, one container of each service, and services with several containers, each in order.

    `notes` say which container stands for a service with several.
    """

    pairs: Sequence[str]
    containers: Sequence[str]
    services: Sequence[str] = ()
    notes: Sequence[str] = ()


def targets_of(baseline: SystemBaseline, chosen: Collection[str] | None = None) -> TrialTargets:
    """Return what is hit of a system at rest. `chosen` are services or containers; None is every service.

    Of several containers the one is hit whose links carry the most as a client, the first of equals.
    """
    pairs = sorted({pair_of(name) for name in baseline.carrying()})
    replicas: dict[str, list[str]] = {}
    for name, one in sorted(baseline.containers.items()):
        if one.runs and (chosen is None or {name, one.service} & set(chosen)):
            replicas.setdefault(service_of(name), []).append(name)
    several = {service: names for service, names in replicas.items() if len(names) > 1}
    busiest = {service: _busiest(baseline, names) for service, names in replicas.items()}
    return TrialTargets(
        pairs,
        list(busiest.values()),
        list(several),
        [
            f"{busiest[service]} is hit of {counted(len(names), 'replica')} of {service}, then all at once"
            for service, names in several.items()
        ],
    )


def why_not_tried(pair: str, baseline: SystemBaseline) -> str:
    """Return why a fault on the links of a pair shows nothing, whatever follows; "" where one is compared."""
    links = [one for name, one in sorted(baseline.links.items()) if pair_of(name) == pair]
    if not any(one.carries for one in links):
        return "it carried nothing at rest"
    if any(one.judged or one.by_connection for one in links):
        return ""
    silence_s = min(one.silence_s for one in links if one.carries)
    return f"it is silent for up to {silence_s:.1f} s at rest, or its client has ended: too long to be judged"


def idle_ends(baseline: SystemBaseline, services: Sequence[str]) -> list[str]:
    """Return the links that were dialled and carried nothing, and the services without a dialled one."""
    ends = {end for name in baseline.links for end in (service_of(client_of(name)), server_of(name))}
    silent = sorted({pair_of(name) for name, one in baseline.links.items() if not one.carries})
    running = {one.service for one in baseline.containers.values() if one.runs}
    return [*silent, *(f"all links of {one}" for one in services if one in running and one not in ends)]


def settle_s(baseline: SystemBaseline) -> float:
    """Return how long a system must be watched after a fault until every link that is judged is seen back."""
    return max((one.window_s for one in baseline.links.values() if one.judged), default=LEAST_WINDOW_S)


def _busiest(baseline: SystemBaseline, containers: Sequence[str]) -> str:
    """Return the container whose links carry the most as a client."""

    def carried(name: str) -> float:
        flows = (one for link, one in baseline.links.items() if is_client(name, link))
        return sum(one.to_server_per_s + one.to_client_per_s for one in flows)

    return max(containers, key=carried)
