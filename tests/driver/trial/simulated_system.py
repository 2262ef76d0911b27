"""A small system on a virtual clock, as the subject of a trial: what it does after each fault is given."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from driver.errors import LabError
from driver.histories.link_names import pair_of
from driver.trial.programme import TrialStep
from driver.trial.samples import ContainerLook, FlowCounters, RequestCounters, SystemSample
from driver.trial.trial_records import DialledConnection, FaultProof, TrialRecords

RATE_PER_S = 1_000
NEVER = math.inf


class SimulatedSystem:
    """Clock and subject in one. `links` have names such as `api[1]->db:5432` and carry RATE_PER_S each way.

    `comes_back_s` is, by the name of a step, how long after healing the links that it stopped carry again.
    `on_begin` may change anything when a fault begins. `hits` are the connections that faults meet, one after
    another; the last number stays.
    """

    def __init__(self, links: Sequence[str], containers: Sequence[str] = ("api[1]", "db[1]")) -> None:
        self.now = 100.0
        self.containers = {
            name: ContainerLook(name.partition("[")[0], life="first", restart_policy="no")
            for name in containers
        }
        self.carries_from = dict.fromkeys(links, 0.0)
        self.comes_back_s: dict[str, float] = {}
        self.on_begin: Callable[[TrialStep], None] = lambda step: None
        self.proof = FaultProof(True, "observed")
        self.lines: dict[str, list[str]] = {}
        self.closed: dict[str, int] = {}
        self.requests: RequestCounters | None = None
        self.fails_until = 0.0
        self.calls: list[str] = []
        self.connections: dict[str, list[DialledConnection]] = {}
        self._carried = dict.fromkeys(links, 0.0)
        self._counted_s = self.now
        self._stopped: list[str] = []
        self.hits = [1]
        self.busy_because = ""

    # -- the clock -----------------------------------------------------------------------------------------

    def now_s(self) -> float:
        return self.now

    def sleep_s(self, seconds: float) -> None:
        self.now += seconds

    # -- the subject ---------------------------------------------------------------------------------------

    def look(self) -> SystemSample:
        self._count()
        links = {
            name: FlowCounters(int(self.carries_from[name] <= self.now), 1, int(carried), int(carried))
            for name, carried in self._carried.items()
        }
        return SystemSample(self.now, links, dict(self.containers), self.requests)

    def begin(self, step: TrialStep) -> None:
        self._count()
        self.calls.append(f"begin {step.name}")
        server = step.target.partition("[")[0]
        hit = [
            name
            for name in self.carries_from
            if (pair_of(name) == step.target if step.hits_links else f"->{server}:" in name)
        ]
        self._stopped = hit
        for name in hit:
            self.carries_from[name] = NEVER
        if step.kind.fault in ("kill", "restart"):
            self.start_again_one(step.target)
        self.on_begin(step)

    def end(self, step: TrialStep) -> None:
        self._count()
        self.calls.append(f"end {step.name}")
        for name in self._stopped:
            self.carries_from[name] = self.now + self.comes_back_s.get(step.name, 0.2)
        self._stopped = []

    def connections_hit(self) -> int:
        return self.hits.pop(0) if len(self.hits) > 1 else self.hits[0]

    def busy(self, since_s: float) -> str:
        return self.busy_because

    def records(self) -> TrialRecords:
        begun = [one.removeprefix("begin ") for one in self.calls if one.startswith("begin ")]
        return TrialRecords(dict.fromkeys(begun, self.proof), self.connections)

    def log_lines(self) -> Mapping[str, Sequence[str]]:
        found, self.lines = self.lines, {}
        return found

    def half_closed(self) -> Mapping[str, frozenset[str]]:
        return {name: frozenset(map(str, range(count))) for name, count in self.closed.items()}

    def restart(self, containers: Sequence[str]) -> None:
        self.calls.append(f"restart {', '.join(containers)}")
        self._count()
        for name in containers:
            self.start_again_one(name)
        for link in self.carries_from:
            if link.partition("->")[0] in containers:
                self.carries_from[link] = self.now

    def start_again(self) -> None:
        self.calls.append("start again")
        self._count()
        for name in self.containers:
            self.start_again_one(name)
        self.carries_from = dict.fromkeys(self.carries_from, self.now)

    # -- what tests change ---------------------------------------------------------------------------------

    def start_again_one(self, name: str) -> None:
        """Give a container a further life."""
        one = self.containers[name]
        self.containers[name] = ContainerLook(
            one.service, life=f"{one.life}+", restart_policy=one.restart_policy
        )

    def ends(self, name: str, exit_code: int = 1) -> None:
        """Let a container end."""
        one = self.containers[name]
        self.containers[name] = ContainerLook(
            one.service, "exited", exit_code=exit_code, life=one.life, restart_policy=one.restart_policy
        )

    def refuses(self, sentence: str) -> None:
        """Let each fault fail."""

        def fail(step: TrialStep) -> None:
            raise LabError(sentence)

        self.on_begin = fail

    def _count(self) -> None:
        """Count the bytes since the last look, in pieces of 50 ms."""
        for name, since_s in self.carries_from.items():
            carried_s = max(0.0, self.now - max(self._counted_s, since_s))
            self._carried[name] += RATE_PER_S * carried_s
        self._counted_s = self.now
