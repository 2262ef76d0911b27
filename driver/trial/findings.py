"""Makes the outcome of a step, with its sentences, from what was observed during and after it. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from driver.histories.link_names import client_of, pair_of, server_of, service_of, touches
from driver.nouns import counted
from driver.systems.system import OUTSIDE
from driver.trial.baseline import SystemBaseline
from driver.trial.log_patterns import LogNews
from driver.trial.picture import LinkLane, StepPicture, picture_of
from driver.trial.programme import TrialStep
from driver.trial.recovery import LinkRecovery, SystemRecovery
from driver.trial.step_controls import StepControl

MOST_LOG_NEWS = 5
"""New errors of one step that an outcome keeps."""
ONE_SIDED_S = 2.0
"""How long a connection must have ended at one side to count as the other side's alone."""
BUSY_ATTEMPTS_PER_S = 5.0
"""A link that is dialled more often during a step, beyond what it is at rest, is dialled without a wait."""


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


UNRECORDED = FaultProof(False, "nothing was recorded of it")


class DialledConnection(msgspec.Struct, frozen=True):
    """When a client asked for a connection, and when each side of it ended: 0.0 where it has not."""

    asked_s: float
    client_ended_s: float = 0.0
    server_ended_s: float = 0.0

    def alone(self, began_s: float, until_s: float) -> str:
        """Return which side alone still has it at `until_s`, some time after the other ended it; or ""."""
        client_s, server_s = self.client_ended_s or math.inf, self.server_ended_s or math.inf
        if (
            not began_s <= min(client_s, server_s) <= until_s - ONE_SIDED_S
            or max(client_s, server_s) <= until_s
        ):
            return ""
        return "client" if server_s < client_s else "server"


class TrialRecords(msgspec.Struct, frozen=True):
    """The proof of each step's fault by the step's name, and the connections of each link.

    Of the `incomplete` links doors left lines out: a connection that seems open may have ended. `lanes` are
    of the other links, and `windows` has when each step's fault was on; times are those of the trial's clock.
    """

    proofs: Mapping[str, FaultProof] = {}
    connections: Mapping[str, Sequence[DialledConnection]] = {}
    incomplete: Sequence[str] = ()
    lanes: Mapping[str, LinkLane] = {}
    windows: Mapping[str, tuple[float, float]] = {}

    def attempts(self, began_s: float, until_s: float) -> dict[str, int]:
        """Return how often each link was dialled between two times; links that were not are left out."""
        counts = {
            name: sum(1 for one in every if began_s <= one.asked_s <= until_s)
            for name, every in sorted(self.connections.items())
        }
        return {name: count for name, count in counts.items() if count}

    def one_sided(self, began_s: float, until_s: float) -> Iterator[str]:
        """Clauses about connections that ended at one side between two times, and stayed at the other."""
        for name, every in sorted(self.connections.items()):
            if name in self.incomplete:
                continue
            sides = [one.alone(began_s, until_s) for one in every]
            for side in ("client", "server"):
                if count := sides.count(side):
                    yield f"{name}: the {side} alone still has {counted(count, 'connection')}"

    @property
    def gap(self) -> str:
        """What is not known because doors left lines out, as a clause; "" where nothing is missing."""
        if not self.incomplete:
            return ""
        names = _few(self.incomplete)
        return f"connections of one side alone are not known of {names}, whose door left lines out"


class StepOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a trial, from `began_s` until `until_s` of the trial's clock.

    `after_s` is the time from healing until everything was as before, None where something is not after
    `waited_s`. `broke` are short clauses, `advice` sentences. `cleaned` says what was restarted afterwards,
    `repeats` the step after which the same lasted, where this one was not waited for as long. Of a step that
    came back, `controls` show that each of its comparisons could have failed. `stopped` are links that it
    did not hit and that carried nothing meanwhile, since the client of those it hit waited.
    """

    step: TrialStep
    verdict: StepVerdict
    after_s: float | None = None
    waited_s: float = 0.0
    began_s: float = 0.0
    until_s: float = 0.0
    broke: Sequence[str] = ()
    advice: Sequence[str] = ()
    attempts: Mapping[str, int] = {}
    log_news: Sequence[LogNews] = ()
    proof: str = ""
    note: str = ""
    cleaned: str = ""
    repeats: str = ""
    picture: StepPicture | None = None
    controls: Sequence[StepControl] = ()
    stopped: Sequence[str] = ()

    @property
    def was_tried(self) -> bool:
        """Whether its fault began, and what followed was compared with the baseline."""
        return self.verdict in (StepVerdict.came_back, StepVerdict.broke)

    @property
    def came_back(self) -> str:
        """The last column of the table, short enough for one line: `in 0.4 s`, `never (20 s)`."""
        if self.verdict in (StepVerdict.inconclusive, StepVerdict.not_tried):
            return str(self.verdict)
        if self.after_s is None:
            return f"never ({self.waited_s:.0f} s)"
        return f"in {self.after_s:.1f} s"

    @property
    def stop_advice(self) -> str:
        """What to change where `stopped` has links."""
        client, _, server = self.step.target.partition("->")
        return (
            f"While {server} was silent, {client} stopped other work. Set a time limit on its calls to "
            f"{server}, and let it go on without an answer."
        )

    @property
    def what_broke(self) -> str:
        """The middle column of the table: what is not as before, or why nothing is known of it."""
        again = f", as after {self.repeats}" if self.repeats else ""
        return self.note or f"{'; '.join(self.broke)}{again}"


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


def not_tried(step: TrialStep, why: str) -> StepOutcome:
    """Return the outcome of a step that was left out."""
    return StepOutcome(step=step, verdict=StepVerdict.not_tried, note=why)


def inconclusive(step: TrialStep, why: str) -> StepOutcome:
    """Return the outcome of a step that shows nothing."""
    return StepOutcome(step=step, verdict=StepVerdict.inconclusive, note=why)


def outcome_of(seen: StepEvidence) -> StepOutcome:
    """Return the outcome of a step, if its fault is proved.

    A system that is not as before is a finding, and so is a container that ended and that its engine started
    again.
    """
    if seen.busy:
        # A link that carries less does so for the machine's reason, if for any.
        slower = seen.recovery
        seen = replace(seen, recovery=slower.without_slower_links())
        if seen.recovery.whole and not seen.recovery.restarted and not slower.whole:
            return inconclusive(seen.step, f"links carry less than before, and {seen.busy}")
    found = seen.recovery
    verdict = StepVerdict.came_back
    note = ""
    if not found.whole or found.restarted:
        verdict = StepVerdict.broke
    elif note := _unjudged(seen):
        verdict = StepVerdict.inconclusive
    return StepOutcome(
        step=seen.step,
        verdict=verdict,
        after_s=found.after_s,
        waited_s=seen.waited_s,
        repeats=seen.repeats,
        broke=list(_broke(seen)),
        advice=list(dict.fromkeys(_advice(seen))),
        began_s=seen.began_s,
        until_s=seen.until_s,
        log_news=list(seen.log_news[:MOST_LOG_NEWS]),
        note=note,
        stopped=_stopped(seen),
    )


def with_controls(outcome: StepOutcome, controls: Sequence[StepControl]) -> StepOutcome:
    """Return the outcome of a step that came back, with its controls; inconclusive where one of its
    comparisons did not count as broken after its change.
    """
    if outcome.verdict is not StepVerdict.came_back:
        return outcome
    outcome = replace(outcome, controls=list(controls))
    if blind := [str(one) for one in controls if not one.broke]:
        note = f"it would have come back whatever was observed: {_few(blind)}"
        return replace(outcome, verdict=StepVerdict.inconclusive, note=note)
    return outcome


def _unjudged(seen: StepEvidence) -> str:
    """Why nothing is known of what the fault hit; "" where a link of it was compared, or it has none."""
    if not seen.met:
        return "no connection was open when it hit, nor when it hit again"
    links = [name for name in hit_links(seen.step, seen.baseline.links) if seen.baseline.links[name].carries]
    if not links or any(name in seen.recovery.links for name in links):
        return ""
    return "no link that it hit carries often enough, or still has a client, to be compared"


def with_records(outcome: StepOutcome, baseline: SystemBaseline, records: TrialRecords) -> StepOutcome:
    """Return an outcome with the proof of its fault, how often each link was dialled, and connections that
    one side alone still has.

    A fault that is not proved shows nothing, whatever was seen.
    """
    if not outcome.was_tried:
        return outcome
    attempts = records.attempts(outcome.began_s, outcome.until_s)
    busy = _busy(attempts, baseline, outcome.until_s - outcome.began_s)
    # Without its number, since findings with the same advice are one group.
    advice = [
        *outcome.advice,
        *(f"{one} is dialled too often: let it wait after each failure." for one in busy),
    ]
    proof = records.proofs.get(outcome.step.name, UNRECORDED)
    often = [f"{name} is dialled {rate:.0f} times a second" for name, rate in busy.items()]
    broke = [*outcome.broke, *often, *records.one_sided(outcome.began_s, outcome.until_s)]
    outcome = replace(
        outcome,
        attempts=attempts,
        broke=broke,
        advice=advice,
        proof=proof.sentence,
        note=records.gap or outcome.note,
        picture=_picture(outcome, baseline, records),
    )
    if proof.proved:
        return outcome
    note = f"the fault is not proved: {proof.sentence}"
    return replace(outcome, verdict=StepVerdict.inconclusive, note=note)


def _picture(outcome: StepOutcome, baseline: SystemBaseline, records: TrialRecords) -> StepPicture | None:
    """Return the links around a fault that broke something: first those that it hit."""
    window = records.windows.get(outcome.step.name)
    if outcome.verdict is not StepVerdict.broke or window is None:
        return None
    return picture_of(records.lanes, window, outcome.until_s, hit_links(outcome.step, baseline.links))


def _busy(attempts: Mapping[str, int], baseline: SystemBaseline, length_s: float) -> dict[str, float]:
    """Return how often a second links were dialled, of those with much more than at rest."""
    found = {}
    for name, count in attempts.items():
        usual = baseline.links[name].opened_per_s if name in baseline.links else 0.0
        rate = count / max(1.0, length_s)
        if rate > BUSY_ATTEMPTS_PER_S + 2 * usual:
            found[name] = rate
    return found


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
        yield f"{name} holds {counted(count, 'connection')} that its door has closed"


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


def _stopped(seen: StepEvidence) -> list[str]:
    """Links that the fault did not hit and that were silent for half of it, where the client of those that it
    hit is at an end of one.
    """
    if not seen.step.kind.shows_waits:
        return []
    client = client_of(seen.step.target)
    silent = [
        name for name in _missed(seen) if seen.recovery.links[name].silent_s >= seen.step.kind.for_s / 2
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


def _few(names: Sequence[str], at_most: int = 3) -> str:
    more = f" and {len(names) - at_most} more" if len(names) > at_most else ""
    return f"{', '.join(names[:at_most])}{more}"
