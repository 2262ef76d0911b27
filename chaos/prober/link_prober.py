"""Observes one link: keeps a standing connection open and probes it, and makes new connections beside it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from chaos.prober import events
from chaos.prober.connections import (
    MASK_BYTES,
    Arrival,
    ConnectAttempt,
    EchoConnection,
    open_echo,
    probe_http,
    wire_bytes,
)
from chaos.prober.counters import Burst, LinkCounters, SilenceDetector, count_echo
from chaos.prober.download import download
from chaos.prober.echoes import OutstandingEchoes
from chaos.prober.probe_rate import ProbeRate
from chaos.prober.settings import ProbedLink
from wire.events import Journal

SMALL_BYTES = 8
BULK_BYTES = 2_048
BURST_MESSAGES = 16
MAX_CONNECTS_AT_ONCE = 6
# A lost standing connection is opened again at least this often, so that healing is observed soon.
_REOPEN_S = 0.5
_SHORT_S = 1.0
_SUMMARY_S = (0.5, 2.0)
_SLEEP_S = 0.5
# A silent link is probed with new connections more often; if those are answered, the silent one is given up.
_SILENT_CONNECTS_PER_S = 1.0
_GIVE_UP_ANSWERS = 3
_PROMPT_MS = 700.0


@dataclass
class LinkProber:
    """Observes one link until it is cancelled. `rate` returns the current probe rate."""

    at: ProbedLink
    journal: Journal
    rate: Callable[[], ProbeRate]
    draw: random.Random
    _counts: LinkCounters = field(default_factory=lambda: LinkCounters(time.monotonic_ns()))
    _is_silent: bool = False
    _answered_in_silence: int = 0

    @property
    def link(self) -> str:
        """The link's name in the journal."""
        return self.at.name

    async def run(self) -> None:
        """Run until cancelled: a standing connection, and new ones beside it."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_open())
            group.create_task(self._connect())
            group.create_task(self._download())
            group.create_task(self._write_summaries())

    # -- the standing connection ------------------------------

    async def _keep_open(self) -> None:
        await asyncio.sleep(self.draw.random() * _SLEEP_S)
        while True:
            attempt, connection = await open_echo(self.at)
            self._record_attempt(attempt)
            if connection is None:
                await asyncio.sleep(min(_REOPEN_S, _REOPEN_S / max(0.1, self.rate().probes_per_s)))
                continue
            self.journal(events.StreamOpened, link=self.link, took_ms=attempt.took_ms, stream=connection.name)
            opened = time.monotonic()
            try:
                await self._probe(connection)
            finally:
                connection.abort()
            # A link that ends every connection at once is not flooded with upgrades.
            if time.monotonic() - opened < _SHORT_S:
                await asyncio.sleep(_REOPEN_S)

    async def _probe(self, connection: EchoConnection) -> None:
        echoes, silence = OutstandingEchoes(), SilenceDetector(time.monotonic_ns())
        schedule = _Schedule(time.monotonic(), self.draw)
        # The upgrade's own traffic is counted with the attempt.
        counted_out, counted_in = connection.out_bytes, connection.in_bytes
        while not connection.how:
            now = time.monotonic()
            for size_bytes, bulk in schedule.due(now, self.rate()):
                if not echoes.is_full:
                    connection.send_message(echoes.send(size_bytes, time.monotonic_ns(), bulk=bulk).data)
                    self._counts.sent += 1
            if schedule.burst is None and schedule.burst_due(now, self.rate()) and not echoes.is_full:
                schedule.burst = self._burst(connection, echoes, self.rate().burst_bytes)
            await _wait(connection.wake, schedule.next_s(time.monotonic(), self.rate()))
            for arrival in _taken(connection):
                self._arrived(arrival, echoes, silence, schedule)
            since_ns = silence.check_silence(time.monotonic_ns(), echoes)
            if since_ns is not None:
                self.journal(events.FellSilent, link=self.link, since_ns=since_ns)
            self._is_silent = silence.silent_since_ns is not None
            if self._answered_in_silence >= _GIVE_UP_ANSWERS and not self.rate().patient:
                connection.give_up()
            self._counts.out_bytes += connection.out_bytes - counted_out
            self._counts.in_bytes += connection.in_bytes - counted_in
            counted_out, counted_in = connection.out_bytes, connection.in_bytes
        self._flush()
        self._is_silent, self._answered_in_silence = False, 0
        self.journal(
            events.StreamEnded,
            link=self.link,
            how=connection.how,
            last_heard_ns=silence.last_arrival_ns,
            detail=connection.detail,
        )

    def _arrived(
        self, arrival: Arrival, echoes: OutstandingEchoes, silence: SilenceDetector, schedule: _Schedule
    ) -> None:
        if not arrival.data:
            self._counts.beat(arrival.at_ns)
            return
        echo = echoes.match(arrival.data, arrival.stamp)
        is_round_trip = silence.on_arrival(arrival.at_ns, echo, echoes.newest_number)
        count_echo(self._counts, arrival.at_ns, echo, is_round_trip=is_round_trip)
        if schedule.burst is not None and echo.sent is not None:
            stamp, frame_bytes = arrival.stamp, wire_bytes(len(echo.sent.data)) + MASK_BYTES
            far = (stamp.at_ns, frame_bytes) if stamp is not None else None
            rate = schedule.burst.on_arrival(arrival.at_ns, echo.sent.number, arrival.wire_bytes, far)
            if rate is not None:
                self._counts.burst(arrival.at_ns, rate, schedule.burst)
            if echo.sent.number >= schedule.burst.last:
                schedule.burst = None
        if ended := silence.end_of_silence(echo):
            self.journal(
                events.HeardAgain, link=self.link, since_ns=ended.since_ns, held=ended.held,
                whole=ended.whole, up_ms=_ms(ended.up_ns), down_ms=_ms(ended.down_ns),
            )  # fmt: skip

    def _burst(self, connection: EchoConnection, echoes: OutstandingEchoes, burst_bytes: int) -> Burst:
        size_bytes = min(BULK_BYTES, max(SMALL_BYTES, burst_bytes // BURST_MESSAGES))
        began_ns = time.monotonic_ns()
        sent = [
            echoes.send(size_bytes, began_ns, bulk=True)
            for _ in range(max(2, burst_bytes // wire_bytes(size_bytes)))
            if not echoes.is_full
        ]
        for one in sent:
            connection.send_message(one.data)
        return Burst(sent[0].number, sent[-1].number, began_ns)

    # -- new connections ------------------------------

    async def _connect(self) -> None:
        running: set[asyncio.Task[None]] = set()
        next_at = time.monotonic() + self.draw.random() * _SLEEP_S
        while True:
            rate, now = self.rate().connects_per_s, time.monotonic()
            if self._is_silent:
                rate = max(rate, _SILENT_CONNECTS_PER_S)
            if rate > 0:
                next_at = min(next_at, now + 1 / rate)
            if rate <= 0 or now < next_at:
                await asyncio.sleep(_pause_s(next_at - now, wanted=rate > 0))
                continue
            next_at = now + 1 / rate
            if len(running) < MAX_CONNECTS_AT_ONCE:
                task = asyncio.create_task(self._connect_once())
                running.add(task)
                task.add_done_callback(running.discard)

    async def _connect_once(self) -> None:
        was_silent = self._is_silent
        attempt = await probe_http(self.at)
        self._record_attempt(attempt)
        if not self._is_silent:
            self._answered_in_silence = 0
        # A connection that was held itself shows that the link has healed, and nothing about the silent one.
        elif was_silent and attempt.outcome == "answered" and attempt.took_ms < _PROMPT_MS:
            self._answered_in_silence += 1

    def _record_attempt(self, attempt: ConnectAttempt) -> None:
        self._counts.out_bytes += attempt.out_bytes
        self._counts.in_bytes += attempt.in_bytes
        self.journal(
            events.Tried, link=self.link, outcome=attempt.outcome, took_ms=round(attempt.took_ms, 3),
            status=attempt.status, retry_after_s=attempt.retry_after_s,
        )  # fmt: skip

    async def _download(self) -> None:
        """Measure the direction to the client alone as often as bursts are due, since an echo is limited by
        the other direction too.
        """
        next_at = time.monotonic() + self.draw.random()
        while True:
            rate, now = self.rate(), time.monotonic()
            wanted = rate.burst_bytes > 0 and not self._is_silent
            next_at = min(next_at, now + rate.burst_every_s)
            if not wanted or now < next_at:
                await asyncio.sleep(_pause_s(next_at - now, wanted=wanted))
                continue
            next_at = now + rate.burst_every_s
            got = await download(self.at, rate.burst_bytes)
            if got is not None:
                self._counts.out_bytes += got.out_bytes
                self._counts.in_bytes += got.in_bytes
                self._counts.download(time.monotonic_ns(), got.took_ms, got.in_bytes, got.bytes_per_s)

    # -- summaries ------------------------------

    async def _write_summaries(self) -> None:
        while True:
            close, usual = _SUMMARY_S
            rate = self.rate()
            busy = rate.volume_bytes_per_s or rate.burst_bytes or rate.probes_per_s > 1
            await asyncio.sleep(close if busy else usual)
            self._flush()

    def _flush(self) -> None:
        if self._counts.sent or self._counts.heard or self._counts.out_bytes:
            self.journal(events.LinkSeen, link=self.link, **self._counts.fields())
        self._counts = LinkCounters(time.monotonic_ns())


class _Schedule:
    """When messages are due: probes and bulk messages at the current rate, and bursts."""

    def __init__(self, now: float, draw: random.Random) -> None:
        self._small_at = self._bulk_at = self._burst_at = now
        # Links are not probed in step, so that their bursts do not coincide.
        self._shift = draw.random()
        self._small_at += self._shift * 0.2
        self._burst_at += self._shift
        self.burst: Burst | None = None

    def due(self, now: float, rate: ProbeRate) -> list[tuple[int, bool]]:
        messages = []
        if rate.probes_per_s > 0:
            self._small_at = min(self._small_at, now + 1 / rate.probes_per_s)
            if now >= self._small_at:
                messages.append((SMALL_BYTES, False))
                self._small_at = max(self._small_at + 1 / rate.probes_per_s, now)
        if rate.volume_bytes_per_s > 0:
            size_bytes = min(BULK_BYTES, max(SMALL_BYTES, rate.volume_bytes_per_s // 4))
            if now >= self._bulk_at:
                messages.append((size_bytes, True))
                self._bulk_at = max(self._bulk_at + size_bytes / rate.volume_bytes_per_s, now)
        return messages

    def burst_due(self, now: float, rate: ProbeRate) -> bool:
        self._burst_at = min(self._burst_at, now + rate.burst_every_s)
        if rate.burst_bytes <= 0 or now < self._burst_at:
            return False
        self._burst_at = now + rate.burst_every_s
        return True

    def next_s(self, now: float, rate: ProbeRate) -> float:
        """Return the seconds until the next message is due."""
        moments = [now + 0.25]
        if rate.probes_per_s > 0:
            moments.append(self._small_at)
        if rate.volume_bytes_per_s > 0:
            moments.append(self._bulk_at)
        if rate.burst_bytes > 0 and self.burst is None:
            moments.append(self._burst_at)
        return max(0.0, min(moments) - now)


def _pause_s(until_due_s: float, *, wanted: bool) -> float:
    """Return how long to sleep where nothing is to be done: short, so that a higher rate begins soon, and
    never 0, also where what is due is not wanted.
    """
    return min(_SLEEP_S, until_due_s) if wanted else _SLEEP_S


def _ms(ns: int | None) -> float:
    return -1.0 if ns is None else round(ns / 1e6, 3)


def _taken(connection: EchoConnection) -> list[Arrival]:
    arrivals, connection.messages = connection.messages, []
    connection.wake.clear()
    if connection.how:
        connection.wake.set()
    return arrivals


async def _wait(event: asyncio.Event, at_most_s: float) -> None:
    try:
        async with asyncio.timeout(at_most_s):
            await event.wait()
    except TimeoutError:
        pass
