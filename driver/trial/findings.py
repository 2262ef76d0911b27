"""Makes the outcome of a step, with its sentences, from what was observed during and after it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

import msgspec

from driver.trial.baseline import SystemBaseline
from driver.trial.log_patterns import LogNews
from driver.trial.programme import TrialStep
from driver.trial.recovery import LinkRecovery, SystemRecovery
from driver.trial.samples import pair_of

MOST_LOG_NEWS = 5
"""New errors of one step that an outcome keeps."""
_SILENT_SHARE = 0.02
_BUSY_ATTEMPTS_PER_S = 10.0


class StepVerdict(StrEnum):
    """What a step has shown."""

    came_back = "came back"
    broke = "broke"
    inconclusive = "inconclusive"
    not_tried = "not tried"


class FaultProof(msgspec.Struct, frozen=True):
    """Whether a fault was in effect, and the observation that shows it."""

    proved: bool
    sentence: str


class StepOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a trial.

    `after_s` is the time from healing until everything was as before, None where something is not after
    `waited_s`. `broke` are short clauses, `advice` sentences. `cleaned` says what was restarted afterwards.
    """

    step: TrialStep
    verdict: StepVerdict
    after_s: float | None = None
    waited_s: float = 0.0
    broke: Sequence[str] = ()
    advice: Sequence[str] = ()
    attempts: Mapping[str, int] = {}
    log_news: Sequence[LogNews] = ()
    proof: str = ""
    note: str = ""
    cleaned: str = ""

    @property
    def came_back(self) -> str:
        """The last column of the table: `after 0.4 s`, `never (30 s)`."""
        if self.verdict in (StepVerdict.inconclusive, StepVerdict.not_tried):
            return str(self.verdict)
        if self.after_s is None:
            return f"never ({self.waited_s:.0f} s)"
        return f"after {self.after_s:.1f} s"


class StepEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was observed of one step. `half_open` counts connections, by container, that it
    holds although the other side has closed them, beyond those of the baseline.
    """

    step: TrialStep
    baseline: SystemBaseline
    recovery: SystemRecovery
    proof: FaultProof
    waited_s: float
    log_news: Sequence[LogNews] = ()
    half_open: Mapping[str, int] = {}


def not_tried(step: TrialStep, why: str) -> StepOutcome:
    """Return the outcome of a step that was left out."""
    return StepOutcome(step=step, verdict=StepVerdict.not_tried, note=why)


def inconclusive(step: TrialStep, why: str) -> StepOutcome:
    """Return the outcome of a step that shows nothing."""
    return StepOutcome(step=step, verdict=StepVerdict.inconclusive, note=why)


def outcome_of(seen: StepEvidence) -> StepOutcome:
    """Return the outcome of a step.

    A system that is not as before is a finding, and so is a container that ended and that its engine started
    again. A fault that is not proved shows nothing where everything came back.
    """
    found = seen.recovery
    verdict = StepVerdict.came_back
    if not found.whole or found.restarted:
        verdict = StepVerdict.broke
    if not seen.proof.proved:
        verdict = StepVerdict.inconclusive
    return StepOutcome(
        step=seen.step,
        verdict=verdict,
        after_s=found.after_s,
        waited_s=seen.waited_s,
        broke=list(_broke(seen)),
        advice=list(dict.fromkeys(_advice(seen))),
        attempts={name: one.attempts for name, one in sorted(found.links.items()) if one.attempts},
        log_news=list(seen.log_news[:MOST_LOG_NEWS]),
        proof=seen.proof.sentence,
        note="" if seen.proof.proved else f"the fault is not proved: {seen.proof.sentence}",
    )


def _broke(seen: StepEvidence) -> Iterator[str]:
    """Clauses about everything that is not as before, then about what was disturbed meanwhile."""
    found = seen.recovery
    for name, trouble in found.troubles.items():
        yield f"{name} {trouble}"
    for name in found.restarted:
        if name not in found.troubles:
            yield f"{name} ended and was started again by its restart policy"
    for name in found.dead_links():
        yield _dead(name, found.links[name])
    if not found.steady and not found.troubles:
        yield "a container keeps restarting"
    if found.requests is not None and found.requests.after_s is None:
        yield "requests are not answered as before"
    if collateral := [name for name in _missed(seen) if name not in found.dead_links()]:
        yield f"no traffic meanwhile: {_few(collateral)}"
    if found.requests is not None and found.requests.failed:
        yield f"{found.requests.failed} of {found.requests.sent} requests failed"
    for name, count in sorted(seen.half_open.items()):
        yield f"{name} holds {count} {'connection' if count == 1 else 'connections'} closed by the other side"


def _dead(name: str, one: LinkRecovery) -> str:
    if one.share > _SILENT_SHARE:
        return f"{name} carries {one.share:.0%} of what it did"
    if one.connections:
        return f"{name} is connected and silent"
    return f"{name} has no connection"


def _missed(seen: StepEvidence) -> list[str]:
    """Links that the fault did not hit, and that were silent for longer than ever at rest."""
    hit = seen.step.target
    return [
        name
        for name, one in sorted(seen.recovery.links.items())
        if one.missed and not (pair_of(name) == hit if seen.step.hits_links else touches(name, hit))
    ]


def touches(link: str, container: str) -> bool:
    """Whether a container is one of the ends of a link; a server's replicas share its links."""
    client, _, server = link.partition("->")
    service = container.partition("[")[0]
    return server.partition(":")[0] == service or client in (container, f"{container}[1]")


def _advice(seen: StepEvidence) -> Iterator[str]:
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
    for name in found.dead_links():
        client = name.partition("->")[0]
        if client not in found.troubles:
            yield _link_advice(name, client, found.links[name])
    for name, one in sorted(found.links.items()):
        rate = one.attempts / max(1.0, seen.waited_s + seen.step.kind.for_s)
        usual = seen.baseline.links[name].opened_per_s
        if rate > _BUSY_ATTEMPTS_PER_S + 2 * usual:
            yield f"{name} is dialled {rate:.0f} times a second: let it wait longer after each failure."


def _link_advice(name: str, client: str, one: LinkRecovery) -> str:
    server = name.partition("->")[2]
    if one.share > _SILENT_SHARE:
        return f"{client} uses {server} less than before: some of its connections or tasks did not return."
    if one.connections:
        return (
            f"{client} waits on a connection to {server} that brings nothing. Set a time limit for reads "
            f"(or keepalive), and connect again when it expires."
        )
    if one.attempts:
        return f"{client} dials {server} and does not stay connected: look at its log, and at the server's."
    return f"{client} does not dial {server} again. Connect again in a loop, with a growing, random wait."


def _few(names: Sequence[str], at_most: int = 3) -> str:
    more = f" and {len(names) - at_most} more" if len(names) > at_most else ""
    return f"{', '.join(names[:at_most])}{more}"
