"""The share of a storm in its busiest tenth of a second, compared with independent clients. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from driver.forensics.policies import Numbers
from driver.histories.history import History
from driver.histories.run_timeline import FaultWindow
from driver.metrics.storm import ReconnectStorm, storms

BUSIEST_NS = 100_000_000
CLEARLY = 1.25
MIN_ATTEMPTS = 10
"""With fewer attempts each is a large share of all."""
_DRAWS, _WORK = 40, 1_000_000


@dataclass(frozen=True)
class StormSynchrony:
    """One storm with `busiest` attempts in its busiest 100 ms.

    `by_chance` is the mean share where each client's attempts are shifted by a random time; `at_most` is the
    95th percentile of such draws. None with too few attempts.
    """

    window: FaultWindow
    clients: int
    attempts: int
    busiest: int
    by_chance: float | None
    at_most: float | None

    @property
    def share(self) -> float:
        """The share of all attempts in the busiest 100 ms."""
        return self.busiest / self.attempts

    @property
    def amplification(self) -> float:
        """Attempts for each disconnected client."""
        return self.attempts / self.clients

    @property
    def in_step(self) -> bool:
        """Whether half of the clients or more attempted at the same moment, and not by chance."""
        by_chance = self.at_most is None or self.share <= CLEARLY * self.at_most
        return not by_chance and self.busiest >= self.clients / 2


def storm_synchrony(history: History) -> list[StormSynchrony]:
    """Return every storm with attempts."""
    return [_of(storm) for storm in history.view(storms) if storm.attempts_ns]


def _of(storm: ReconnectStorm) -> StormSynchrony:
    owners = {client: index for index, client in enumerate(sorted(storm.clients))}
    pairs = [
        (attempt.began.at_ns, owners[outage.client])
        for outage in storm.outages
        for attempt in outage.attempts
    ]
    at_ns = np.array([at for at, _ in pairs], dtype=np.float64)
    owner = np.array([who for _, who in pairs], dtype=np.int64)
    busiest = _busiest(at_ns)
    if len(at_ns) < MIN_ATTEMPTS or len(owners) < 2:
        return StormSynchrony(storm.window, len(owners), len(at_ns), busiest, None, None)
    drawn = _by_chance(at_ns, owner, len(owners)) / len(at_ns)
    return StormSynchrony(
        storm.window, len(owners), len(at_ns), busiest, float(np.mean(drawn)), float(np.quantile(drawn, 0.95))
    )


def _by_chance(
    at_ns: Numbers, owner: np.ndarray[tuple[int, ...], np.dtype[np.int64]], owners: int
) -> Numbers:
    """Return the busiest 100 ms of draws in which each client's attempts are rotated within the storm's
    length.
    """
    random = np.random.default_rng(0)
    begin = at_ns.min()
    length = max(at_ns.max() - begin, float(BUSIEST_NS))
    draws = max(8, min(_DRAWS, _WORK // len(at_ns)))
    shifts = random.random((draws, owners)) * length
    return np.array([_busiest((at_ns - begin + shift[owner]) % length) for shift in shifts], dtype=np.float64)


def _busiest(at_ns: Numbers) -> int:
    ordered = np.sort(at_ns)
    first = np.searchsorted(ordered, ordered - BUSIEST_NS, side="right")
    return int((np.arange(len(ordered)) - first).max()) + 1
