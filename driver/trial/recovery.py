"""Compares a system after a fault with its baseline: what is back, since when, and what is not. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from driver.histories.link_names import is_client
from driver.trial.baseline import SystemBaseline, flow_points
from driver.trial.container_recovery import ContainerJudge, restarted, well_since_s
from driver.trial.link_recovery import (
    LinkRecovery,
    LinkTotals,
    carried_by_others,
    connection_recovery,
    traffic_recovery,
)
from driver.trial.request_recovery import RequestRecovery, request_recovery
from driver.trial.samples import SystemSample

STEADY_S = 1.5
"""How long a container must run since its last start."""


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
    judge = ContainerJudge(
        {name: one for name, one in baseline.containers.items() if name not in baseline.restless},
        frozenset(touched),
        frozenset(finished),
    )
    done = judge.finished(samples[-1])
    since_s = well_since_s(judge, samples, healed_s)
    links = {
        name: (traffic_recovery if one.judged else connection_recovery)(
            one, LinkTotals(flow_points(samples, name)), began_s, healed_s
        )
        for name, one in baseline.links.items()
        if (one.judged or one.by_connection) and not any(is_client(container, name) for container in done)
    }
    return SystemRecovery(
        links={**links, **carried_by_others(baseline, links, samples, began_s, healed_s)},
        troubles=judge.troubles(samples[-1]),
        restarted=restarted(judge.before, samples, renewed),
        finished=done,
        steady=since_s is not None and samples[-1].at_s - since_s >= STEADY_S,
        containers_after_s=0.0 if since_s is None else max(0.0, since_s - healed_s),
        requests=request_recovery(baseline, samples, began_s, healed_s),
    )
