"""What a piece of advice is: what to change, because of which figures, and what that should bring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from driver.forensics.settings import advised_s, coordinator_settings, worker_settings
from driver.histories.history import History
from driver.metrics import METRICS, Metrics
from driver.scenarios.quantities import write
from wire.policies import POLICIES
from wire.settings import CoordinatorSettings, WorkerSettings


@dataclass(frozen=True)
class Setting:
    """A line of a scenario to change, under `worker:` or `coordinator:` (`section`).

    `now` and `then` are its values as YAML, "" for none.
    """

    section: str
    key: str
    now: str
    then: str


@dataclass(frozen=True)
class Advice:
    """One recommendation. `evidence` names the metrics that it rests on, `settings` the lines to change."""

    name: str
    change: str
    because: str
    brings: str
    evidence: tuple[str, ...]
    settings: tuple[Setting, ...] = ()

    @property
    def diff(self) -> str:
        """The change of the scenario file, as a diff to copy; "" where no setting does it."""
        lines = []
        for section in dict.fromkeys(one.section for one in self.settings):
            lines.append(f" {section}:")
            for one in self.settings:
                if one.section == section:
                    lines += [f"-  {one.key}: {one.now}"] * bool(one.now)
                    lines += [f"+  {one.key}: {one.then}"] * bool(one.then)
        return "\n".join(lines)


@dataclass(frozen=True)
class Adviser:
    """A rule: `advise` returns advice where a run gives cause for it. Reports list advice by `rank`."""

    rank: int
    advise: Callable[[History, Metrics], Advice | None]


def coordinator_setting(history: History, key: str, factor: float) -> Setting:
    """A number of the coordinator's settings, `factor` times as large."""
    now = getattr(coordinator_settings(history), key)
    # A default has no line in the scenario that a diff could take out.
    written = "" if now == getattr(CoordinatorSettings(), key) else str(now)
    return Setting("coordinator", key, written, str(max(1, round(now * factor))))


def cap_setting(history: History, factor: float) -> Setting:
    """The longest delay of the workers' policy, `factor` times as long; what is advised where none is set."""
    told = worker_settings(history).cap_ms
    cap_ms = told if told is not None else advised_s(history)[1] * 1e3
    return Setting("worker", "cap_ms", "" if told is None else str(told), str(max(1, round(cap_ms * factor))))


def policy_settings(history: History, policy: str) -> tuple[Setting, ...]:
    """Another policy for the workers, with the coordinator's base and cap in place of their own."""
    told = worker_settings(history)
    # A name outside the catalogue is the worker's own text: it is not repeated in what a reader copies.
    now = told.policy if told.policy in POLICIES and told.policy != WorkerSettings().policy else ""
    own = [(key, value) for key in ("base_ms", "cap_ms") if (value := getattr(told, key)) is not None]
    changed = [Setting("worker", "policy", now, policy)] if told.policy != policy else []
    return (*changed, *(Setting("worker", key, str(value), "") for key, value in own))


def figure(metrics: Metrics, name: str) -> str:
    """A metric's value for people."""
    return write(metrics.values[name], METRICS[name].unit)


def number(metrics: Metrics, name: str) -> float:
    """A metric's value, 0 where it is unknown: advice is given on what is known alone."""
    return metrics.values[name] or 0.0
