"""A link whose true state is known at every instant, as the prober would write of it: noise, delays each way,
damage, limits and gaps.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from chaos.prober.events import LinkSeen
from tests.driver.scenario.prober_story import S, Story

SKEW_MS = 40_000.0
"""By how much the far end's clock is ahead: only differences of it may count."""
Shape = Callable[[float], float]
"""Seconds → a figure of that instant."""


def always(value: float) -> Shape:
    """The same at all times."""
    return lambda _: value


def during(from_s: float, until_s: float, value: float, usual: float = 0.0) -> Shape:
    """A figure between two instants, and the usual one at all others."""
    return lambda at_s: value if from_s <= at_s < until_s else usual


NOTHING, FAST = always(0.0), always(8e6)


@dataclass
class Line:
    """One link: how late it is each way, how much it carries each way, which bytes it damages."""

    link: str
    seed: int = 0
    up_ms: Shape = NOTHING
    down_ms: Shape = NOTHING
    up_bytes_per_s: Shape = FAST
    down_bytes_per_s: Shape = FAST
    damage_up: Shape = NOTHING
    damage_down: Shape = NOTHING
    loss_up: Shape = NOTHING
    loss_down: Shape = NOTHING
    probes_per_s: int = 4
    volume_bytes_per_s: int = 0
    draw: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.draw = random.Random(f"{self.seed}/{self.link}")

    def emit(self, story: Story, from_s: float, until_s: float) -> None:
        """Write half-second summaries, a new connection a second, a burst and a download each second and a
        half.
        """
        at_s, burst_at_s = from_s, from_s + 0.3
        while at_s < until_s:
            bursts = []
            if at_s >= burst_at_s:
                bursts, burst_at_s = [at_s], at_s + 1.5
            self._summary(story, at_s, bursts)
            story.tried(self.link, at_s + 0.1, "answered")
            at_s += 0.5

    def _summary(self, story: Story, at_s: float, bursts: list[float]) -> None:
        trips = [
            self._trip(at_s + 0.5 * place / self.probes_per_s * 2) for place in range(self.probes_per_s // 2)
        ]
        trips = [trip for trip in trips if trip is not None]
        flows = [self._flow(one, min(self.up_bytes_per_s(one), self.down_bytes_per_s(one))) for one in bursts]
        downs = [self._flow(one, self.down_bytes_per_s(one)) for one in bursts]
        compared = self.volume_bytes_per_s // 2
        damaged_up, damaged_down = (
            self._hits(compared, rate(at_s)) for rate in (self.damage_up, self.damage_down)
        )
        lost_up, lost_down = (self._hits(len(trips), loss(at_s)) for loss in (self.loss_up, self.loss_down))
        story.add(
            LinkSeen, at_s + 0.5, link=self.link, since_ns=round(at_s * S), sent=len(trips),
            heard=len(trips) - lost_up - lost_down,
            rtt_at_ms=[round((at - at_s) * 1000) for at, _, _ in trips],
            rtt_us=[round((up + down) * 1000) for _, up, down in trips],
            up_us=[round((up + SKEW_MS) * 1000) for _, up, _ in trips], out_bytes=100, in_bytes=100,
            compared_bytes=compared, damaged_bytes=damaged_up + damaged_down, damaged_up=damaged_up,
            missing=lost_up + lost_down, missing_up=lost_up,
            rates_at_ms=[at for at, _ in flows], rates_took_ms=[took for _, took in flows],
            rates_sizes_bytes=[SIZE for _ in flows], rates_bytes_per_s=[_rate(took) for _, took in flows],
            rates_up_bytes_per_s=[round(self.up_bytes_per_s(one)) for one in bursts],
            down_at_ms=[at for at, _ in downs], down_took_ms=[took for _, took in downs],
            down_sizes_bytes=[SIZE for _ in downs], down_rates_bytes_per_s=[_rate(took) for _, took in downs],
        )  # fmt: skip

    def _trip(self, sent_s: float) -> tuple[float, float, float]:
        """When it was back, and its milliseconds each way; a machine that is busy now and then adds some."""
        up = self.up_ms(sent_s) + self._hiccup()
        down = self.down_ms(sent_s + up / 1000) + self._hiccup()
        return sent_s + (up + down) / 1000, up, down

    def _hiccup(self) -> float:
        return (
            0.4 + self.draw.expovariate(3.0) + (self.draw.uniform(5, 120) if self.draw.random() < 0.03 else 0)
        )

    def _flow(self, at_s: float, rate: float) -> tuple[int, float]:
        """When it was whole since the summary's begin, and how long it took, in ms."""
        took_ms = SIZE * 1000 / rate + self._hiccup()
        return round(took_ms), took_ms

    def _hits(self, tries: int, rate: float) -> int:
        """A draw of a binomial, by its gaps."""
        if rate <= 0:
            return 0
        return (
            sum(self.draw.random() < rate for _ in range(tries)) if rate > 0.01 else self._rare(tries * rate)
        )

    def _rare(self, mean: float) -> int:
        at, count = self.draw.expovariate(1.0), 0
        while at < mean:
            at, count = at + self.draw.expovariate(1.0), count + 1
        return count


SIZE = 16_000


def _rate(took_ms: float) -> int:
    return round(SIZE * 1000 / took_ms)
