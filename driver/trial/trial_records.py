"""What doors and the prober recorded of a whole trial: proofs of its faults, and connections. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from chaos.actuator import name_list
from driver.nouns import counted
from driver.trial.picture import LinkLane

ONE_SIDED_S = 2.0
"""How long a connection must have ended at one side to count as the other side's alone."""


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
        names = name_list(self.incomplete)
        return f"connections of one side alone are not known of {names}, whose door left lines out"
