"""Compares a system after a fault with its baseline: what is back, since when, and what is not. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from driver.histories.link_names import is_client, pair_of
from driver.trial.baseline import (
    LEAST_SHARE,
    FlowBaseline,
    RequestBaseline,
    SystemBaseline,
    flow_points,
    group_points,
    grouped,
)
from driver.trial.samples import ContainerLook, FlowCounters, RequestCounters, SystemSample, is_hit

SILENT_SHARE = 0.02
STEADY_S = 1.5
"""How long a container must run since its last start."""
REQUEST_WINDOW_S = 2.0
REQUEST_SLACK = 0.05
"""How much larger the share of failed requests may be than before."""
_ROUNDING_S = 1e-6
_NOT_STARTED_AGAIN = ("", "no", "on-failure")
"""Restart policies that leave a container alone that ended with 0."""


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


class RequestRecovery(msgspec.Struct, frozen=True):
    """The trial's own requests since the fault began; `after_s` is None where they are not answered."""

    failed: int
    sent: int
    after_s: float | None


class SystemRecovery(msgspec.Struct, frozen=True):
    """A system after a fault. `troubles` are containers that are not as before, with what they do instead.

    `restarted` are containers that were started again and not by the fault. `steady`: no container was
    started in the last STEADY_S. `finished` are those that ended with 0 by themselves: their work is done.
    """

    links: Mapping[str, LinkRecovery]
    troubles: Mapping[str, str] = {}
    restarted: Sequence[str] = ()
    steady: bool = True
    containers_after_s: float = 0.0
    requests: RequestRecovery | None = None
    finished: Sequence[str] = ()

    @property
    def whole(self) -> bool:
        """Whether everything is as before."""
        linked = all(one.after_s is not None for one in self.links.values())
        answered = self.requests is None or self.requests.after_s is not None
        return linked and answered and self.steady and not self.troubles

    @property
    def after_s(self) -> float | None:
        """The time from healing until everything was as before; None where something is not."""
        if not self.whole:
            return None
        times = [one.after_s for one in self.links.values()]
        times.append(self.requests.after_s if self.requests else None)
        return max((one for one in times if one is not None), default=self.containers_after_s)

    def without_slower_links(self) -> SystemRecovery:
        """Return the same without the links that carry something, and less than before."""
        left = {name: one for name, one in self.links.items() if one.after_s is not None or not one.carries}
        return msgspec.structs.replace(self, links=left)

    def dead_links(self) -> list[str]:
        """The links that do not carry traffic as before."""
        return sorted(name for name, one in self.links.items() if one.after_s is None)


def recovery(
    baseline: SystemBaseline,
    samples: Sequence[SystemSample],
    began_s: float,
    healed_s: float,
    renewed: str = "",
    touched: Collection[str] = (),
    finished: Collection[str] = (),
) -> SystemRecovery:
    """Return how far a system is back at the last of `samples`, which begin before the fault.

    `renewed` is the container, or the service, that the fault itself starts again, `touched` are the
    containers at an end of what it hits, `finished` those that were so before. Only links are judged that had
    enough traffic in the baseline, or a connection that was always open, and whose client is not finished.
    """
    judge = _ContainerJudge(
        {name: one for name, one in baseline.containers.items() if name not in baseline.restless},
        frozenset(touched),
        frozenset(finished),
    )
    done = judge.finished(samples[-1])
    since_s = _since_s(judge, samples, healed_s)
    links = {
        name: (_link if one.judged else _quiet_link)(
            one, LinkTotals(flow_points(samples, name)), began_s, healed_s
        )
        for name, one in baseline.links.items()
        if (one.judged or one.by_connection) and not any(is_client(container, name) for container in done)
    }
    return SystemRecovery(
        links={**links, **_carried_by_others(baseline, links, samples, began_s, healed_s)},
        troubles=judge.troubles(samples[-1]),
        restarted=_restarted(judge.before, samples, renewed),
        finished=done,
        steady=since_s is not None and samples[-1].at_s - since_s >= STEADY_S,
        containers_after_s=0.0 if since_s is None else max(0.0, since_s - healed_s),
        requests=_requests(baseline, samples, began_s, healed_s),
    )


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
        less than STEADY_S.
        """
        since_s = None
        for at_s, now in zip(self.times, self.totals, strict=True):
            if at_s >= healed_s:
                since_s = None if not now.connections else at_s if since_s is None else since_s
        return None if since_s is None or self.times[-1] - since_s < STEADY_S - _ROUNDING_S else since_s

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


def _link(one: FlowBaseline, totals: LinkTotals, began_s: float, healed_s: float) -> LinkRecovery:
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


def _quiet_link(one: FlowBaseline, totals: LinkTotals, began_s: float, healed_s: float) -> LinkRecovery:
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


def _carried_by_others(
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
        together = _link(_taken_over(group, baseline.links[name]), totals, began_s, healed_s)
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


# -- containers --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _ContainerJudge:
    """Compares containers with what they were; those that restart at rest are not among them."""

    before: Mapping[str, ContainerLook]
    touched: frozenset[str]
    already: frozenset[str]

    def finished(self, sample: SystemSample) -> list[str]:
        """Return the containers that are finished at a sample."""
        return [name for name in sorted(self.before) if self._is_finished(name, sample.containers.get(name))]

    def troubles(self, sample: SystemSample) -> dict[str, str]:
        """Return what is wrong with each container that is not as before."""
        done = self.finished(sample)
        found = {
            name: _trouble(was, sample.containers.get(name))
            for name, was in sorted(self.before.items())
            if name not in done
        }
        return {name: trouble for name, trouble in found.items() if trouble}

    def _is_finished(self, name: str, now: ContainerLook | None) -> bool:
        was = self.before[name]
        if now is None or not was.runs or now.exit_code != 0:
            return False
        untouched = name in self.already or name not in self.touched
        return untouched and was.restart_policy in _NOT_STARTED_AGAIN


def _trouble(was: ContainerLook, now: ContainerLook | None) -> str:
    """What is wrong with a container; "" where it is as before. One that is starting carries traffic."""
    if now is None:
        return "is gone"
    if not was.runs:
        return "" if now.state == was.state or now.exit_code == 0 else now.condition
    if not now.runs:
        return now.condition
    return now.condition if now.health == "unhealthy" and was.health != "unhealthy" else ""


def _since_s(judge: _ContainerJudge, samples: Sequence[SystemSample], healed_s: float) -> float | None:
    """Return since when all containers are as before in their present lives; None while one is not."""
    since_s: float | None = None
    lives: Mapping[str, str] = {}
    for sample in samples:
        if sample.at_s < healed_s:
            continue
        now = {name: one.life for name, one in sample.containers.items() if name in judge.before}
        if judge.troubles(sample):
            since_s = None
        elif since_s is None or now != lives:
            since_s = sample.at_s
        lives = now
    return since_s


def _restarted(
    before: Mapping[str, ContainerLook], samples: Sequence[SystemSample], renewed: str
) -> list[str]:
    """Containers with more lives than the fault explains."""
    found = []
    for name in sorted(before):
        lives = {one.containers[name].life for one in samples if name in one.containers}
        if len(lives) > (2 if is_hit(name, renewed) else 1):
            found.append(name)
    return found


# -- requests ----------------------------------------------------------------------------------------------


def _requests(
    baseline: SystemBaseline, samples: Sequence[SystemSample], began_s: float, healed_s: float
) -> RequestRecovery | None:
    was = baseline.requests
    points = [(one.at_s, one.requests) for one in samples if one.requests is not None]
    if was is None or not points:
        return None
    begin = next((now for at_s, now in points if at_s >= began_s), points[-1][1])
    last = points[-1][1]
    since_s: float | None = None
    after = [point for point in points if point[0] >= healed_s]
    times = [at_s for at_s, _ in after]
    for at_s, now in after:
        end = bisect_left(times, at_s + REQUEST_WINDOW_S - _ROUNDING_S)
        if end == len(times):
            break
        if not _answers(was, now, after[end][1]):
            since_s = None
        elif since_s is None:
            since_s = at_s
    return RequestRecovery(
        failed=last.failed - begin.failed,
        sent=last.failed - begin.failed + last.answered - begin.answered,
        after_s=None if since_s is None else max(0.0, since_s - healed_s),
    )


def _answers(was: RequestBaseline, first: RequestCounters, last: RequestCounters) -> bool:
    """Whether requests between two looks, REQUEST_WINDOW_S apart, are answered as before."""
    answered, failed = last.answered - first.answered, last.failed - first.failed
    enough = answered >= LEAST_SHARE * was.answered_per_s * REQUEST_WINDOW_S
    return enough and failed <= (was.failed_share + REQUEST_SLACK) * (answered + failed)
