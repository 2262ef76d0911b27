"""What was observed of one step of a trial, as clauses about what is not as before, and advice. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from chaos.actuator import name_list
from driver.histories.link_names import client_of, pair_of, server_of, service_of, touches
from driver.nouns import counted
from driver.systems.system import OUTSIDE
from driver.trial.baseline import SystemBaseline
from driver.trial.link_recovery import LinkRecovery
from driver.trial.log_patterns import LogNews
from driver.trial.programme import TrialStep
from driver.trial.recovery import SystemRecovery


class StepEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was observed of one step. `half_open` counts connections, by container, that it
    holds although the other side has closed them, beyond those of the baseline. `met`: there was something
    for the fault to hit. `busy` is why the machine could not carry as much as at rest.
    """

    step: TrialStep
    baseline: SystemBaseline
    recovery: SystemRecovery
    waited_s: float
    repeats: str = ""
    began_s: float = 0.0
    until_s: float = 0.0
    log_news: Sequence[LogNews] = ()
    half_open: Mapping[str, int] = {}
    met: bool = True
    busy: str = ""


def changes(seen: StepEvidence) -> Iterator[str]:
    """Clauses about everything that is not as before, then about what was disturbed meanwhile."""
    found = seen.recovery
    for name, trouble in found.troubles.items():
        yield f"{name} {trouble}"
    for name in found.restarted:
        if name not in found.troubles:
            yield f"{name} ended and was started again by its restart policy"
    causes = _causes(seen)
    for name in causes:
        yield _dead(name, found.links[name])
    if idle := [name for name in found.dead_links() if name not in causes]:
        yield f"without work since: {name_list(idle, 3)}"
    if not found.steady and not found.troubles:
        yield "a container keeps restarting"
    if found.requests is not None and found.requests.after_s is None:
        yield "requests are not answered as before"
    if collateral := [name for name in _missed(seen) if name not in found.dead_links()]:
        yield f"no traffic meanwhile: {name_list(collateral)}"
    if found.requests is not None and found.requests.failed:
        yield f"{found.requests.failed} of {found.requests.sent} requests failed"
    for name, count in sorted(seen.half_open.items()):
        yield f"{name} holds {counted(count, 'connection')} that its door has closed"


def _causes(seen: StepEvidence) -> list[str]:
    """Return the links that are not back for a reason of their own.

    Of one that is idle nothing was asked, and one that is connected, silent, and was not hit may have no
    work: where another is not back, they wait for that one.
    """
    dead, links = seen.recovery.dead_links(), seen.recovery.links
    hit = hit_links(seen.step, dead)
    alone = [name for name in dead if not links[name].idle]
    return [name for name in alone if name in hit or not links[name].connections] or alone or dead


def _dead(name: str, one: LinkRecovery) -> str:
    if one.carries:
        return f"{name} carries {one.share:.0%} of what it did"
    if one.connections:
        return f"{name} is connected and silent"
    return f"{name} has no connection"


def _missed(seen: StepEvidence) -> list[str]:
    """Links that the fault did not hit, and that were silent for longer than ever at rest."""
    hit = hit_links(seen.step, seen.recovery.links)
    return [name for name, one in sorted(seen.recovery.links.items()) if one.missed and name not in hit]


def stopped(seen: StepEvidence) -> list[str]:
    """Links that the fault did not hit and that were silent for half of it, or for its last third, where the
    client of those that it hit is at an end of one.
    """
    if not seen.step.kind.shows_waits:
        return []
    client = client_of(seen.step.target)
    for_s, links = seen.step.kind.for_s, seen.recovery.links
    silent = [
        name
        for name in _missed(seen)
        if links[name].silent_s >= for_s / 2 or links[name].silent_at_heal_s >= for_s / 3
    ]
    waits = client != OUTSIDE and any(
        client in (service_of(client_of(one)), server_of(one)) for one in silent
    )
    return silent if waits else []


def hit_links(step: TrialStep, links: Iterable[str]) -> list[str]:
    """Return those of these links that a step hits: of its pair, or at its container."""
    return [
        name
        for name in links
        if (pair_of(name) == step.target if step.hits_links else touches(name, step.target))
    ]


def touched(step: TrialStep, baseline: SystemBaseline) -> list[str]:
    """Return the containers at an end of what a step hits."""
    services = set() if step.hits_links else {service_of(step.target)}
    for link in hit_links(step, baseline.links):
        services |= {service_of(client_of(link)), server_of(link)}
    return [name for name, one in baseline.containers.items() if one.service in services]


def advice(seen: StepEvidence) -> Iterator[str]:
    """Sentences that say what to change, from what is not as before."""
    found, containers = seen.recovery, seen.baseline.containers
    for name, trouble in found.troubles.items():
        was = containers.get(name)
        if trouble.startswith("ended") and was is not None and was.restart_policy in ("", "no"):
            yield (
                f"{name} ends when this happens, and nothing starts it again. Let it connect again instead, "
                f"and give the service a restart policy (`restart: unless-stopped`) for what is left."
            )
        elif trouble.startswith("ended"):
            yield f"{name} ends when this happens, and its restart policy does not bring it back."
        elif "unhealthy" in trouble:
            yield f"{name} runs and fails its health check: nothing restarts a container for that."
    for name in found.restarted:
        yield f"{name} ends when this happens. Its restart policy starts it again; it could connect again."
    for name in _causes(seen):
        client = name.partition("->")[0]
        if client not in found.troubles:
            yield _link_advice(name, client, found.links[name])


def _link_advice(name: str, client: str, one: LinkRecovery) -> str:
    server = name.partition("->")[2]
    if one.carries:
        return f"{client} uses {server} less than before: some of its connections or tasks did not return."
    if one.connections:
        return (
            f"{client} waits on a connection to {server} that brings nothing. Set a time limit for reads "
            f"(or keepalive), and connect again when it expires."
        )
    if client == OUTSIDE:
        return f"{server} does not serve its clients outside as before, or these do not connect again."
    if one.attempts:
        return f"{client} dials {server} and does not stay connected: look at its log, and at the server's."
    return f"{client} does not dial {server} again. Connect again in a loop, with a growing, random wait."
