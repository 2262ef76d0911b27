"""A system at rest: how much each link carries, how long it is silent, and what the containers do. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import msgspec

from driver.histories.link_names import is_client, pair_of
from driver.trial.samples import ContainerLook, FlowCounters, RequestCounters, SystemSample

LEAST_WINDOW_S = 2.0
LONGEST_WINDOW_S = 12.0
"""A link that needs a longer window is too silent to be judged within a step."""
LEAST_SHARE = 0.5
"""Traffic below this share of the least in any window of the baseline is less than before."""
_LULLS = 2.0


class FlowBaseline(msgspec.Struct, frozen=True):
    """One link at rest. Rates are means; `silence_s` is the longest time without a byte.

    `window_s` is the length over which it is judged, `to_server_least` and `to_client_least` what it must
    carry within that. `judged` is false for a link with too little traffic for that. `standing` is the least
    number of connections that were open at any time.
    """

    to_server_per_s: float
    to_client_per_s: float
    opened_per_s: float
    connections: int
    silence_s: float
    window_s: float = LEAST_WINDOW_S
    to_server_least: int = 0
    to_client_least: int = 0
    judged: bool = True
    standing: int = 0

    @property
    def by_connection(self) -> bool:
        """Whether it is judged by its connections alone: one was always open, and is used too rarely for its
        traffic to be compared, but within the time for which a step waits.
        """
        return not self.judged and self.carries and self.standing > 0 and self.silence_s <= LONGEST_WINDOW_S

    @property
    def carries(self) -> bool:
        """Whether bytes flowed at all."""
        return self.to_server_per_s > 0 or self.to_client_per_s > 0


class RequestBaseline(msgspec.Struct, frozen=True):
    """The trial's own requests at rest."""

    answered_per_s: float
    failed_share: float


class SystemBaseline(msgspec.Struct, frozen=True):
    """A system at rest, over `length_s`. `restless` are the containers that ended and were started again.

    `groups` are the links of each pair that has several (`api->db:5432`), as if they were one.
    """

    length_s: float
    links: Mapping[str, FlowBaseline]
    containers: Mapping[str, ContainerLook]
    requests: RequestBaseline | None = None
    restless: Sequence[str] = ()
    groups: Mapping[str, FlowBaseline] = {}

    def carrying(self) -> list[str]:
        """The links on which bytes flowed, in order."""
        return sorted(name for name, one in self.links.items() if one.carries)


def baseline_of(samples: Sequence[SystemSample]) -> SystemBaseline:
    """Return the baseline of at least two samples, in the order of their times.

    Links that have not been dialled at all are left out.
    """
    first, last = samples[0], samples[-1]
    length_s = last.at_s - first.at_s
    names = sorted({name for one in samples for name in one.links})
    restless = _restless(samples)
    ended = [name for name, one in last.containers.items() if not one.runs and name not in restless]
    flows = {}
    for name in names:
        points = flow_points(samples, name)
        if points and points[-1][1].accepted:
            one = _flow(points, length_s)
            over = any(is_client(container, name) for container in ended)
            standing = 0 if over else one.standing
            flows[name] = msgspec.structs.replace(one, judged=one.judged and not over, standing=standing)
    groups = {pair: _flow(group_points(samples, links), length_s) for pair, links in grouped(flows).items()}
    return SystemBaseline(length_s, flows, last.containers, _requests(first, last), restless, groups)


def grouped(links: Iterable[str]) -> dict[str, list[str]]:
    """Return the links of each pair that has several: of one service's replicas to the same server."""
    found: dict[str, list[str]] = {}
    for name in links:
        found.setdefault(pair_of(name), []).append(name)
    return {pair: names for pair, names in found.items() if len(names) > 1}


def group_points(samples: Sequence[SystemSample], links: Iterable[str]) -> list[tuple[float, FlowCounters]]:
    """Return the sums of the totals of several links with their times."""
    found: dict[float, FlowCounters] = {}
    for name in links:
        points = dict(flow_points(samples, name))
        last = FlowCounters()
        for sample in samples:
            last = points.get(sample.at_s, msgspec.structs.replace(last, connections=0))
            found[sample.at_s] = _sum(found.get(sample.at_s, FlowCounters()), last)
    return sorted(found.items(), key=lambda point: point[0])


def _restless(samples: Sequence[SystemSample]) -> list[str]:
    """Containers that had more than one life."""
    lives: dict[str, set[str]] = {}
    for sample in samples:
        for name, one in sample.containers.items():
            lives.setdefault(name, set()).add(one.life)
    return sorted(name for name, every in lives.items() if len(every) > 1)


def flow_points(samples: Iterable[SystemSample], link: str) -> list[tuple[float, FlowCounters]]:
    """Return a link's totals with their times; totals never fall, also where its door lost count."""
    points: list[tuple[float, FlowCounters]] = []
    lost, before = FlowCounters(), FlowCounters()
    for sample in samples:
        now = sample.links.get(link)
        if now is None:
            continue
        if now.accepted < before.accepted or now.to_server_bytes < before.to_server_bytes:
            lost = _sum(lost, before)
        before = now
        total = _sum(lost, now)
        points.append((sample.at_s, msgspec.structs.replace(total, connections=now.connections)))
    return points


def _sum(one: FlowCounters, other: FlowCounters) -> FlowCounters:
    return FlowCounters(
        one.connections + other.connections,
        one.accepted + other.accepted,
        one.to_server_bytes + other.to_server_bytes,
        one.to_client_bytes + other.to_client_bytes,
    )


def _flow(points: Sequence[tuple[float, FlowCounters]], length_s: float) -> FlowBaseline:
    (begin_s, first), (_, last) = points[0], points[-1]
    took_s = max(points[-1][0] - begin_s, 1e-9)
    up = [(at_s, one.to_server_bytes) for at_s, one in points]
    down = [(at_s, one.to_client_bytes) for at_s, one in points]
    flowing = [line for line in (up, down) if line[-1][1] > line[0][1]]
    silence_s = max((longest_silence_s(line) for line in flowing), default=took_s)
    window_s = max(LEAST_WINDOW_S, _LULLS * silence_s)
    judged = bool(flowing) and window_s <= min(LONGEST_WINDOW_S, length_s)
    return FlowBaseline(
        to_server_per_s=(last.to_server_bytes - first.to_server_bytes) / took_s,
        to_client_per_s=(last.to_client_bytes - first.to_client_bytes) / took_s,
        opened_per_s=(last.accepted - first.accepted) / took_s,
        connections=last.connections,
        silence_s=silence_s,
        window_s=window_s,
        to_server_least=_least(up, window_s) if judged else 0,
        to_client_least=_least(down, window_s) if judged else 0,
        judged=judged,
        standing=min(one.connections for _, one in points),
    )


def longest_silence_s(points: Sequence[tuple[float, int]]) -> float:
    """Return the longest time between two growths of a total; the ends of the watch count as growths."""
    longest, since_s = 0.0, points[0][0]
    for (_, before), (at_s, now) in pairwise(points):
        if now > before:
            longest, since_s = max(longest, at_s - since_s), at_s
    return max(longest, points[-1][0] - since_s)


def _least(points: Sequence[tuple[float, int]], window_s: float) -> int:
    """Return what a total must grow by within a window: half of the least growth in any; at least 1 byte.

    0 where the total does not grow at all.
    """
    if points[-1][1] == points[0][1]:
        return 0
    grown = []
    end = 0
    for at_s, total in points:
        while end < len(points) and points[end][0] < at_s + window_s:
            end += 1
        if end == len(points):
            break
        grown.append(points[end][1] - total)
    return max(1, int(LEAST_SHARE * min(grown, default=0)))


def _requests(first: SystemSample, last: SystemSample) -> RequestBaseline | None:
    if first.requests is None or last.requests is None:
        return None
    answered, failed = _between(first.requests, last.requests)
    took_s = max(last.at_s - first.at_s, 1e-9)
    return RequestBaseline(answered / took_s, failed / max(1, answered + failed))


def _between(first: RequestCounters, last: RequestCounters) -> tuple[int, int]:
    return last.answered - first.answered, last.failed - first.failed
