"""Controls of a trial: what a step that came back has shown, changed until it must count as broken. Pure.

A comparison that no change turns to broken would pass whatever a system does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from driver.trial.baseline import SystemBaseline
from driver.trial.recovery import SystemRecovery
from driver.trial.samples import ContainerLook, FlowCounters, RequestCounters, SystemSample

REQUESTS = "requests"
WITHHELD = "traffic since healing withheld"
CLOSED = "no connection since healing"
ENDED = "the container ended"
UNANSWERED = "no answer since healing"
_KILLED = 137

Compare = Callable[[Sequence[SystemSample]], SystemRecovery]
"""Compares samples, from before a fault until after its end, with the system at rest."""


class StepControl(msgspec.Struct, frozen=True):
    """One comparison of a step, of a link, a container or the requests, made again after a change of what was
    observed. `broke`: it then counted as broken, as it must.
    """

    comparison: str
    change: str
    broke: bool

    def __str__(self) -> str:
        return f"{self.comparison} ({self.change})"


def controls_of(
    compare: Compare, baseline: SystemBaseline, samples: Sequence[SystemSample], healed_s: float
) -> list[StepControl]:
    """Return a control for each comparison that a step's recovery has made; the step's fault was healed at
    `healed_s`, of the samples' clock.
    """
    found = compare(samples)
    silent = compare(_with_silent_links(samples, healed_s))
    quiet = [name for name in sorted(found.links) if baseline.links[name].by_connection]
    closed = compare(_with_closed_links(samples, healed_s)) if quiet else found
    ended = compare([*samples[:-1], _with_ended_containers(samples[-1])])
    controls = [
        StepControl(name, WITHHELD, silent.links[name].after_s is None)
        for name in sorted(found.links)
        if name not in quiet
    ]
    controls += [StepControl(name, CLOSED, closed.links[name].after_s is None) for name in quiet]
    controls += [StepControl(name, ENDED, name in ended.troubles) for name in _compared(baseline, found)]
    if found.requests is not None:
        unanswered = compare(_with_unanswered_requests(samples, healed_s)).requests
        controls.append(StepControl(REQUESTS, UNANSWERED, unanswered is None or unanswered.after_s is None))
    return controls


def _compared(baseline: SystemBaseline, found: SystemRecovery) -> list[str]:
    """Return the containers that ran at rest, and of which it counts that they still do."""
    left_out = {*baseline.restless, *found.finished}
    return [name for name, was in sorted(baseline.containers.items()) if was.runs and name not in left_out]


def _with_silent_links(samples: Sequence[SystemSample], healed_s: float) -> list[SystemSample]:
    """Return samples in which no byte passes any link from healing on."""
    last: Mapping[str, FlowCounters] = {}
    changed = []
    for sample in samples:
        if sample.at_s < healed_s:
            last = sample.links
            changed.append(sample)
            continue
        links = {name: _silent(now, last.get(name)) for name, now in sample.links.items()}
        changed.append(replace(sample, links=links))
    return changed


def _with_closed_links(samples: Sequence[SystemSample], healed_s: float) -> list[SystemSample]:
    """Return samples in which no connection of any link is open from healing on."""
    return [
        one
        if one.at_s < healed_s
        else replace(one, links={name: replace(now, connections=0) for name, now in one.links.items()})
        for one in samples
    ]


def _silent(now: FlowCounters, last: FlowCounters | None) -> FlowCounters:
    before = last or FlowCounters()
    return replace(now, to_server_bytes=before.to_server_bytes, to_client_bytes=before.to_client_bytes)


def _with_ended_containers(sample: SystemSample) -> SystemSample:
    ended: dict[str, ContainerLook] = {
        name: replace(one, state="exited", health="", exit_code=_KILLED)
        for name, one in sample.containers.items()
    }
    return replace(sample, containers=ended)


def _with_unanswered_requests(samples: Sequence[SystemSample], healed_s: float) -> list[SystemSample]:
    """Return samples in which each request that was answered from healing on failed."""
    answered = 0
    changed = []
    for sample in samples:
        now = sample.requests
        if now is None or sample.at_s < healed_s:
            answered = now.answered if now else answered
            changed.append(sample)
            continue
        failed = RequestCounters(answered, now.failed + now.answered - answered)
        changed.append(replace(sample, requests=failed))
    return changed
