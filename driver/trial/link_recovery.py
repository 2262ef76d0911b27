"""Compares one link after a fault with what it carried at rest, or had open. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence

import msgspec

from driver.histories.link_names import pair_of
from driver.trial.baseline import (
    LEAST_SHARE,
    FlowBaseline,
    SystemBaseline,
    group_points,
    grouped,
)
from driver.trial.samples import FlowCounters, SystemSample

SILENT_SHARE = 0.02
CONNECTED_S = 1.5
"""How long a connection must have been open for a link that is judged by that alone."""
_ROUNDING_S = 1e-6


class LinkRecovery(msgspec.Struct, frozen=True):
    """One link after a fault.

    `after_s` is the time from healing to the first byte of steady traffic, None where there is none.
    `share` is its traffic in the last window, as a share of the baseline's mean; `attempts` the connections
    that it accepted since the fault began; `missed` whether it was silent for unusually long, and `silent_s`
    for how long at most. Where links of other replicas carry for it, it is as these are. `idle`: nothing was
    asked of it since healing, as of a client that has no work and dials for each call. `silent_at_heal_s` is
    how long it had been silent when the fault ended.
    """

    after_s: float | None
    share: float
    attempts: int
    missed: bool
    connections: int
    silent_s: float = 0.0
    idle: bool = False
    silent_at_heal_s: float = 0.0

    @property
    def carries(self) -> bool:
        """Whether it carries more than next to nothing."""
        return self.share > SILENT_SHARE


class LinkTotals:
    """A link's totals in the order of their times."""

    def __init__(self, points: Sequence[tuple[float, FlowCounters]]) -> None:
        self.times = [at_s for at_s, _ in points]
        self.totals = [total for _, total in points]

    def at(self, at_s: float) -> FlowCounters | None:
        """Return the totals at a time: the first from then on; None beyond both ends."""
        if not self.times or at_s < self.times[0] - _ROUNDING_S:
            return None
        index = bisect_left(self.times, at_s - _ROUNDING_S)
        return self.totals[index] if index < len(self.totals) else None

    def carries(self, one: FlowBaseline, from_s: float) -> bool:
        """Whether the window from `from_s` on carries enough, and some in each of its halves."""
        start = self.at(from_s)
        middle, end = self.at(from_s + one.window_s / 2), self.at(from_s + one.window_s)
        if start is None or middle is None or end is None:
            return False
        return _enough(
            one.to_server_least, start.to_server_bytes, middle.to_server_bytes, end.to_server_bytes
        ) and _enough(one.to_client_least, start.to_client_bytes, middle.to_client_bytes, end.to_client_bytes)

    def steady_since_s(self, one: FlowBaseline, healed_s: float) -> float | None:
        """Return since when every window carries enough, at its first byte; None where the last does not."""
        since: int | None = None
        for index, at_s in enumerate(self.times):
            if at_s + one.window_s > self.times[-1] + _ROUNDING_S:
                break
            if at_s < healed_s:
                continue
            if not self.carries(one, at_s):
                since = None
            elif since is None:
                since = index
        return None if since is None else self._first_byte_s(one, since)

    def _first_byte_s(self, one: FlowBaseline, since: int) -> float:
        first = self.totals[since]
        for at_s, now in zip(self.times[since:], self.totals[since:], strict=True):
            up = not one.to_server_least or now.to_server_bytes > first.to_server_bytes
            if up and (not one.to_client_least or now.to_client_bytes > first.to_client_bytes):
                return at_s
        return self.times[-1]

    def in_vain(self, one: FlowBaseline, healed_s: float) -> bool:
        """Whether its client tries without success: connections since healing end without an answer, or one
        that is open has none to the last bytes that it carried to the server.
        """
        since, last = self.at(healed_s), self.totals[-1]
        if since is None or not one.to_client_per_s:
            return True
        if not last.connections:
            return last.accepted > since.accepted and last.to_client_bytes == since.to_client_bytes
        asked = next(i for i, now in enumerate(self.totals) if now.to_server_bytes == last.to_server_bytes)
        told = next(i for i, now in enumerate(self.totals) if now.to_client_bytes == last.to_client_bytes)
        return asked > told

    def connected_since_s(self, healed_s: float) -> float | None:
        """Return since when, from healing on, a connection has always been open; None where none is, or for
        less than CONNECTED_S.
        """
        since_s = None
        for at_s, now in zip(self.times, self.totals, strict=True):
            if at_s >= healed_s:
                since_s = None if not now.connections else at_s if since_s is None else since_s
        return None if since_s is None or self.times[-1] - since_s < CONNECTED_S - _ROUNDING_S else since_s

    def silent_at_s(self, began_s: float, at_s: float) -> float:
        """Return for how long it had carried no byte at a time, since `began_s` at the earliest."""
        since_s, before = began_s, -1
        for time_s, now in zip(self.times, self.totals, strict=True):
            total = now.to_server_bytes + now.to_client_bytes
            if time_s > at_s:
                break
            if time_s >= began_s and total != before:
                since_s = time_s
            before = total
        return max(0.0, at_s - since_s)

    def silent_s(self, began_s: float) -> float:
        """Return the longest time without a byte from `began_s` on."""
        longest_s, since_s, before = 0.0, began_s, -1
        for at_s, now in zip(self.times, self.totals, strict=True):
            total = now.to_server_bytes + now.to_client_bytes
            if at_s >= began_s:
                if total != before:
                    since_s = at_s
                longest_s = max(longest_s, at_s - since_s)
            before = total
        return longest_s


def _enough(least: int, start: int, middle: int, end: int) -> bool:
    return not least or (end - start >= least and start < middle < end)


def traffic_recovery(one: FlowBaseline, totals: LinkTotals, began_s: float, healed_s: float) -> LinkRecovery:
    """Return a link after a fault that is judged by its bytes."""
    before = totals.at(began_s)
    if before is None:
        return LinkRecovery(None, 0.0, 0, True, 0)
    last = totals.totals[-1]
    since_s = totals.steady_since_s(one, healed_s)
    silent_s = totals.silent_s(began_s)
    return LinkRecovery(
        after_s=None if since_s is None else max(0.0, since_s - healed_s),
        share=_share(one, totals.at(totals.times[-1] - one.window_s), last),
        attempts=last.accepted - before.accepted,
        missed=silent_s > one.window_s,
        connections=last.connections,
        silent_s=silent_s,
        idle=since_s is None and not _lost(one, last) and not totals.in_vain(one, healed_s),
        silent_at_heal_s=totals.silent_at_s(began_s, healed_s),
    )


def connection_recovery(
    one: FlowBaseline, totals: LinkTotals, began_s: float, healed_s: float
) -> LinkRecovery:
    """Return a link after a fault that is judged by its connections alone: one must be open, as at rest."""
    before = totals.at(began_s)
    since_s = None if before is None else totals.connected_since_s(healed_s)
    last = totals.totals[-1] if totals.totals else FlowCounters()
    return LinkRecovery(
        after_s=None if since_s is None else max(0.0, since_s - healed_s),
        share=1.0 if since_s is not None else 0.0,
        attempts=0 if before is None else last.accepted - before.accepted,
        missed=False,
        connections=last.connections,
    )


def _lost(one: FlowBaseline, last: FlowCounters) -> bool:
    """Whether a connection was always open at rest, and none is now: its client is not idle."""
    return one.standing > 0 and not last.connections


def carried_by_others(
    baseline: SystemBaseline,
    links: Mapping[str, LinkRecovery],
    samples: Sequence[SystemSample],
    began_s: float,
    healed_s: float,
) -> dict[str, LinkRecovery]:
    """Return what differs where the links of one service's replicas to a server are taken together: one that
    is idle is back where the others have taken over its load, and was missed where all were silent.
    """
    found = {}
    for name, one in links.items():
        group = baseline.groups.get(pair_of(name))
        if group is None or not group.judged or not (one.after_s is None or one.missed):
            continue
        totals = LinkTotals(group_points(samples, grouped(baseline.links)[pair_of(name)]))
        together = traffic_recovery(_taken_over(group, baseline.links[name]), totals, began_s, healed_s)
        found[name] = msgspec.structs.replace(
            one,
            after_s=together.after_s if one.idle else one.after_s,
            missed=one.missed and together.missed,
            silent_s=min(one.silent_s, together.silent_s),
            silent_at_heal_s=min(one.silent_at_heal_s, together.silent_at_heal_s),
        )
    return found


def _taken_over(group: FlowBaseline, idle: FlowBaseline) -> FlowBaseline:
    """Return what a group must carry where the others do half of one link's work besides their own."""

    def least(half: int, whole: float, part: float) -> int:
        return int(half / LEAST_SHARE * (1 - LEAST_SHARE * part / whole)) if whole > 0 else 0

    return msgspec.structs.replace(
        group,
        to_server_least=least(group.to_server_least, group.to_server_per_s, idle.to_server_per_s),
        to_client_least=least(group.to_client_least, group.to_client_per_s, idle.to_client_per_s),
    )


def _share(one: FlowBaseline, start: FlowCounters | None, end: FlowCounters) -> float:
    """Return the traffic of the last window as a share of the mean, in the direction that carries less."""
    if start is None:
        return 0.0
    shares = [
        grown / (rate * one.window_s)
        for rate, grown in (
            (one.to_server_per_s, end.to_server_bytes - start.to_server_bytes),
            (one.to_client_per_s, end.to_client_bytes - start.to_client_bytes),
        )
        if rate > 0
    ]
    return min(shares, default=1.0)
