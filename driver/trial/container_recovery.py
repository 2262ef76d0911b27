"""Compares containers after a fault with what they were at rest. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from driver.trial.samples import ContainerLook, SystemSample, is_hit

_NOT_STARTED_AGAIN = ("", "no", "on-failure")
"""Restart policies that leave a container alone that ended with 0."""


@dataclass(frozen=True)
class ContainerJudge:
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


def well_since_s(judge: ContainerJudge, samples: Sequence[SystemSample], healed_s: float) -> float | None:
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


def restarted(
    before: Mapping[str, ContainerLook], samples: Sequence[SystemSample], renewed: str
) -> list[str]:
    """Containers with more lives than the fault explains."""
    found = []
    for name in sorted(before):
        lives = {one.containers[name].life for one in samples if name in one.containers}
        if len(lives) > (2 if is_hit(name, renewed) else 1):
            found.append(name)
    return found
