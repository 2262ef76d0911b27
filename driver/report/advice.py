"""A piece of advice: a change, the figures that it rests on, and the effect to expect. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from driver.checks.finding import Finding
from driver.histories.history import History
from driver.metrics import Metrics


@dataclass(frozen=True)
class Setting:
    """A changed line of a scenario, under `worker:` or `coordinator:` (`section`).

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
        """The change of the scenario file, as a diff to copy; "" where no setting makes it."""
        lines = []
        for section in dict.fromkeys(one.section for one in self.settings):
            lines.append(f" {section}:")
            for one in self.settings:
                if one.section == section:
                    lines += [f"-  {one.key}: {one.now}"] * bool(one.now)
                    lines += [f"+  {one.key}: {one.then}"] * bool(one.then)
        return "\n".join(lines)


Findings = Sequence[Finding]


@dataclass(frozen=True)
class Adviser:
    """A rule: `advise` returns advice where a run gives cause for it. Reports list advice by `rank`."""

    rank: int
    advise: Callable[[History, Metrics, Findings], Advice | None]


def given_by(
    advisers: Iterable[Adviser], history: History, metrics: Metrics, findings: Findings
) -> list[Advice]:
    """Return all advice that a run gives cause for, in the order of its advisers."""
    found = (adviser.advise(history, metrics, findings) for adviser in advisers)
    return [advice for advice in found if advice is not None]
