"""One link, watched: its standing connection is kept, probed and listened to, and new connections are tried
beside it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from chaos.prober import events
from chaos.prober.dial import Arrival, Echoer, Tryout, fetch, open_echo, wire_bytes
from chaos.prober.download import download
from chaos.prober.echoes import Echoes
from chaos.prober.look import Look
from chaos.prober.tally import Burst, Counts, Pulse, count_echo
from wire.events import Journal

SMALL_BYTES = 8
BULK_BYTES = 2_048
BURST_MESSAGES = 16
MAX_TRIES_AT_ONCE = 6
# A standing connection that is gone is asked for again at least this often, so that healing is seen soon.
_REOPEN_S = 0.5
_SHORT_S = 1.0
_SUMMARY_S = (0.5, 2.0)
_NAP_S = 0.5
# A silent link is asked for new connections more often; if those are answered, the silent one is given up.
_SILENT_CONNECTS_PER_S = 1.0
_GIVE_UP_ANSWERS = 3
_PROMPT_MS = 700.0


@dataclass
class LinkProber:
    """Watches one link until it is cancelled. `look` tells how closely, at any time."""

    link: str
    host: str
    port: int
    journal: Journal
    look: Callable[[], Look]
    draw: random.Random
    _counts: Counts = field(default_factory=lambda: Counts(time.monotonic_ns()))
    _is_silent: bool = False
    _answered_in_silence: int = 0

    async def run(self) -> None:
        """For ever: a standing connection, and new ones beside it."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._stand())
            group.create_task(self._try())
            group.create_task(self._download())
            group.create_task(self._summarise())

    # -- the standing connection ------------------------------

    async def _stand(self) -> None:
        await asyncio.sleep(self.draw.random() * _NAP_S)
        while True:
            tryout, echoer = await open_echo(self.host, self.port)
            self._tried(tryout)
            if echoer is None:
                await asyncio.sleep(min(_REOPEN_S, _REOPEN_S / max(0.1, self.look().probes_per_s)))
                continue
            self.journal(events.StreamOpened, link=self.link, took_ms=tryout.took_ms)
            opened = time.monotonic()
            try:
                await self._probe(echoer)
            finally:
                echoer.abort()
            # A link that ends every connection at once would be asked for nothing but upgrades.
            if time.monotonic() - opened < _SHORT_S:
                await asyncio.sleep(_REOPEN_S)

    async def _probe(self, echoer: Echoer) -> None:
        echoes, pulse = Echoes(), Pulse(time.monotonic_ns())
        pace = _Pace(time.monotonic(), self.draw)
        # What the upgrade itself cost was counted with the attempt.
        counted_out, counted_in = echoer.out_bytes, echoer.in_bytes
        while not echoer.how:
            now = time.monotonic()
            for size_bytes, bulk in pace.due(now, self.look()):
                if not echoes.is_full:
                    echoer.send(echoes.send(size_bytes, time.monotonic_ns(), bulk=bulk).data)
                    self._counts.sent += 1
            if pace.burst is None and pace.burst_due(now, self.look()) and not echoes.is_full:
                pace.burst = self._burst(echoer, echoes, self.look().burst_bytes)
            await _wait(echoer.wake, pace.next_s(time.monotonic(), self.look()))
            for arrival in _taken(echoer):
                self._arrived(arrival, echoes, pulse, pace)
            since_ns = pulse.fell_silent(time.monotonic_ns(), echoes)
            if since_ns is not None:
                self.journal(events.FellSilent, link=self.link, since_ns=since_ns)
            self._is_silent = pulse.silent_since_ns is not None
            if self._answered_in_silence >= _GIVE_UP_ANSWERS:
                echoer.give_up()
            self._counts.out_bytes += echoer.out_bytes - counted_out
            self._counts.in_bytes += echoer.in_bytes - counted_in
            counted_out, counted_in = echoer.out_bytes, echoer.in_bytes
        self._flush()
        self._is_silent, self._answered_in_silence = False, 0
        self.journal(
            events.StreamEnded,
            link=self.link,
            how=echoer.how,
            last_heard_ns=pulse.last_heard_ns,
            detail=echoer.detail,
        )

    def _arrived(self, arrival: Arrival, echoes: Echoes, pulse: Pulse, pace: _Pace) -> None:
        if not arrival.data:
            self._counts.beat(arrival.at_ns)
            return
        echo = echoes.arrived(arrival.data, arrival.stamp)
        is_round_trip = pulse.heard(arrival.at_ns, echo, echoes.newest_number)
        count_echo(self._counts, arrival.at_ns, echo, is_round_trip=is_round_trip)
        if pace.burst is not None and echo.sent is not None:
            far_ns = arrival.stamp.at_ns if arrival.stamp is not None else None
            rate = pace.burst.heard(arrival.at_ns, echo.sent.number, arrival.wire_bytes, far_ns)
            if rate is not None:
                self._counts.burst(arrival.at_ns, rate, pace.burst)
            if echo.sent.number >= pace.burst.last:
                pace.burst = None
        if ended := pulse.silence_over(echo):
            self.journal(
                events.HeardAgain, link=self.link, since_ns=ended.since_ns, held=ended.held,
                whole=ended.whole, up_ms=_ms(ended.up_ns), down_ms=_ms(ended.down_ns),
            )  # fmt: skip

    def _burst(self, echoer: Echoer, echoes: Echoes, burst_bytes: int) -> Burst:
        size_bytes = min(BULK_BYTES, max(SMALL_BYTES, burst_bytes // BURST_MESSAGES))
        began_ns = time.monotonic_ns()
        sent = [
            echoes.send(size_bytes, began_ns, bulk=True)
            for _ in range(max(2, burst_bytes // wire_bytes(size_bytes)))
            if not echoes.is_full
        ]
        for one in sent:
            echoer.send(one.data)
        return Burst(sent[0].number, sent[-1].number, began_ns)

    # -- new connections ------------------------------

    async def _try(self) -> None:
        running: set[asyncio.Task[None]] = set()
        next_at = time.monotonic() + self.draw.random() * _NAP_S
        while True:
            # Short naps, so that a closer look begins soon, whatever the usual pace is.
            await asyncio.sleep(min(_NAP_S, max(0.0, next_at - time.monotonic())))
            rate, now = self.look().connects_per_s, time.monotonic()
            if self._is_silent:
                rate = max(rate, _SILENT_CONNECTS_PER_S)
            if rate > 0:
                next_at = min(next_at, now + 1 / rate)
            if rate <= 0 or now < next_at:
                continue
            next_at = now + 1 / rate
            if len(running) < MAX_TRIES_AT_ONCE:
                task = asyncio.create_task(self._try_once())
                running.add(task)
                task.add_done_callback(running.discard)

    async def _try_once(self) -> None:
        was_silent = self._is_silent
        tryout = await fetch(self.host, self.port)
        self._tried(tryout)
        if not self._is_silent:
            self._answered_in_silence = 0
        # One that was held itself says that the link has healed, and nothing about the silent connection.
        elif was_silent and tryout.outcome == "answered" and tryout.took_ms < _PROMPT_MS:
            self._answered_in_silence += 1

    def _tried(self, tryout: Tryout) -> None:
        self._counts.out_bytes += tryout.out_bytes
        self._counts.in_bytes += tryout.in_bytes
        self.journal(
            events.Tried, link=self.link, outcome=tryout.outcome, took_ms=round(tryout.took_ms, 3),
            status=tryout.status, retry_after_s=tryout.retry_after_s,
        )  # fmt: skip

    async def _download(self) -> None:
        """Measure the way down by itself as often as bursts are due: an echo says no more of it than the
        way up lets through.
        """
        next_at = time.monotonic() + self.draw.random()
        while True:
            await asyncio.sleep(min(_NAP_S, max(0.0, next_at - time.monotonic())))
            look, now = self.look(), time.monotonic()
            next_at = min(next_at, now + look.burst_every_s)
            if look.burst_bytes <= 0 or now < next_at or self._is_silent:
                continue
            next_at = now + look.burst_every_s
            got = await download(self.host, self.port, look.burst_bytes)
            if got is not None:
                self._counts.out_bytes += got.out_bytes
                self._counts.in_bytes += got.in_bytes
                self._counts.download(time.monotonic_ns(), got.took_ms, got.in_bytes, got.bytes_per_s)

    # -- summaries ------------------------------

    async def _summarise(self) -> None:
        while True:
            close, usual = _SUMMARY_S
            look = self.look()
            busy = look.volume_bytes_per_s or look.burst_bytes or look.probes_per_s > 1
            await asyncio.sleep(close if busy else usual)
            self._flush()

    def _flush(self) -> None:
        if self._counts.sent or self._counts.heard or self._counts.out_bytes:
            self.journal(events.LinkSeen, link=self.link, **self._counts.fields())
        self._counts = Counts(time.monotonic_ns())


class _Pace:
    """Which messages are due: small ones at the look's rate, bulky ones as far as its volume asks, and
    bursts.
    """

    def __init__(self, now: float, draw: random.Random) -> None:
        self._small_at = self._bulk_at = self._burst_at = now
        # Links are not asked in step, so that a burst of probes never meets itself.
        self._shift = draw.random()
        self._small_at += self._shift * 0.2
        self._burst_at += self._shift
        self.burst: Burst | None = None

    def due(self, now: float, look: Look) -> list[tuple[int, bool]]:
        messages = []
        if look.probes_per_s > 0:
            self._small_at = min(self._small_at, now + 1 / look.probes_per_s)
            if now >= self._small_at:
                messages.append((SMALL_BYTES, False))
                self._small_at = max(self._small_at + 1 / look.probes_per_s, now)
        if look.volume_bytes_per_s > 0:
            size_bytes = min(BULK_BYTES, max(SMALL_BYTES, look.volume_bytes_per_s // 4))
            if now >= self._bulk_at:
                messages.append((size_bytes, True))
                self._bulk_at = max(self._bulk_at + size_bytes / look.volume_bytes_per_s, now)
        return messages

    def burst_due(self, now: float, look: Look) -> bool:
        self._burst_at = min(self._burst_at, now + look.burst_every_s)
        if look.burst_bytes <= 0 or now < self._burst_at:
            return False
        self._burst_at = now + look.burst_every_s
        return True

    def next_s(self, now: float, look: Look) -> float:
        """Until when nothing is due."""
        moments = [now + 0.25]
        if look.probes_per_s > 0:
            moments.append(self._small_at)
        if look.volume_bytes_per_s > 0:
            moments.append(self._bulk_at)
        if look.burst_bytes > 0 and self.burst is None:
            moments.append(self._burst_at)
        return max(0.0, min(moments) - now)


def _ms(ns: int | None) -> float:
    return -1.0 if ns is None else round(ns / 1e6, 3)


def _taken(echoer: Echoer) -> list[Arrival]:
    arrivals, echoer.messages = echoer.messages, []
    echoer.wake.clear()
    if echoer.how:
        echoer.wake.set()
    return arrivals


async def _wait(event: asyncio.Event, at_most_s: float) -> None:
    try:
        async with asyncio.timeout(at_most_s):
            await event.wait()
    except TimeoutError:
        pass
