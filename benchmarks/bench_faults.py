"""How exact faults are: what was asked, what is seen at the other end, and by how much they differ.

Measured: latency, bandwidth, corruption, partitions, starts and costs of our Toxiproxy build, and 10,000
cycles of putting faults on and off. Against: what was asked of each, or a direct connection. Fair, because
what measures is outside of what is measured: the prober and raw sockets, on links of their own.
It has a table of its own, which is printed and written to benchmarks/faults.md; the one row that it gives the
others says how many measures were within their reach. `make docs` puts the table into
docs/faults.md. Needs a Docker that shares this host's loopback.
"""

from __future__ import annotations

import asyncio
import socket
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.fault_rig import HOST, Prober, Toxiproxy, body, echo_server
from benchmarks.machine import origin
from benchmarks.pairs import estimate, in_turn, ratios
from benchmarks.raw_bytes import Received, Upload, echo, sink
from benchmarks.row import Row as HarnessRow
from benchmarks.row import at_least
from chaos.prober.probe_rate import ProbeRate
from driver.labs.fault_runner import LEAD_S

TABLE = Path(__file__).with_name("faults.md")
LINKS = 20
S = 1_000_000_000


@dataclass(frozen=True)
class Row:
    """One line of the table. `ok` None: it is only shown."""

    measure: str
    reach: str
    measured: str
    ok: bool | None = None


def names(count: int, first: int = 1) -> list[str]:
    """Links as Toxiproxy has them."""
    return [f"worker-{number}" for number in range(first, first + count)]


# -- latency -----------------------------------------------


def latency() -> list[Row]:
    """What the prober sees of a latency over the baseline, with links idle and busy."""
    rows = []
    for busy in (False, True):
        for mean_ms in (5, 20, 100, 500):
            p50_ms, p99_ms, samples = asyncio.run(_latency(mean_ms, busy))
            reach = "shown" if busy else "≤ 1 ms / ≤ 5 ms"
            ok = None if busy else abs(p50_ms) <= 1 and abs(p99_ms) <= 5
            load = "busy" if busy else "idle"
            what = f"latency {mean_ms} ms to the worker, {LINKS} links {load}: p50 / p99 error"
            rows.append(Row(what, reach, f"{p50_ms:+.2f} ms / {p99_ms:+.2f} ms ({samples} round trips)", ok))
    return rows


async def _latency(mean_ms: int, busy: bool) -> tuple[float, float, int]:
    look = ProbeRate(probes_per_s=10, connects_per_s=0, volume_bytes_per_s=100_000 if busy else 0)
    with Toxiproxy() as toxiproxy:
        async with echo_server() as port, Prober(toxiproxy.put(LINKS, port), look) as prober:
            await asyncio.sleep(8)
            began = time.monotonic_ns()
            asked = body("f", names(LINKS), "delay", "downstream", mean_ms=mean_ms)
            await asyncio.to_thread(toxiproxy.links.begin_fault, asked)
            await asyncio.sleep(15)
            ended = time.monotonic_ns()
            records = prober.records()
    before = [rtt for one in records.values() for rtt in one.window(began - 7 * S, began).rtt_ms]
    during = [rtt for one in records.values() for rtt in one.window(began + S, ended).rtt_ms]
    p50 = float(np.percentile(during, 50) - np.percentile(before, 50) - mean_ms)
    p99 = float(np.percentile(during, 99) - np.percentile(before, 50) - mean_ms)
    return p50, p99, len(during)


# -- bandwidth ---------------------------------------------


def bandwidth() -> list[Row]:
    """What goes through a throttled link, against what was asked."""
    rows = []
    for rate, text in ((64_000, "64 KB/s"), (1_000_000, "1 MB/s")):
        for stream, way in (("upstream", "to the coordinator"), ("downstream", "to the worker")):
            measured = asyncio.run(_bandwidth(rate, stream))
            off = measured / rate - 1
            shown = f"{measured:,.0f} B/s ({off:+.1%})"
            rows.append(Row(f"bandwidth {text} {way}", "within 5 %", shown, abs(off) <= 0.05))
    return rows


async def _bandwidth(rate: int, stream: str) -> float:
    look = ProbeRate(probes_per_s=0, connects_per_s=0, burst_bytes=rate, burst_every_s=2.0)
    with Toxiproxy() as toxiproxy:
        async with echo_server() as port, Prober(toxiproxy.put(4, port), look) as prober:
            asked = body("f", names(4), "throttle", stream, rate_bytes_per_s=rate)
            await asyncio.to_thread(toxiproxy.links.begin_fault, asked)
            began = time.monotonic_ns()
            await asyncio.sleep(15)
            records = prober.records()
    rates = [rate for one in records.values() for rate in one.window(began, began + 15 * S).rates_bytes_per_s]
    return statistics.median(rates)


# -- corruption --------------------------------------------


def corruption() -> list[Row]:
    """How many of the bytes that were sent differ at the far end, and whether a seed repeats them exactly."""
    rows = []
    with Toxiproxy() as toxiproxy, sink() as port:
        for rate, total in ((1e-4, 1_100_000_000), (1e-6, 6_000_000_000)):
            arrived = _corrupted(toxiproxy, port, rate, total)
            expected = rate * total
            off = arrived.damaged / expected - 1
            shown = f"{arrived.damaged:,} of {expected:,.0f} expected in {total / 1e9:g} GB ({off:+.2%})"
            rows.append(Row(f"corruption {rate:g} a byte", "within 10 %", shown, abs(off) <= 0.1))
        first, second = (_corrupted(toxiproxy, port, 1e-4, 50_000_000) for _ in range(2))
        same = first.places == second.places and first.damaged == second.damaged > 0
        shown = f"{'the same' if same else 'other'} {first.damaged:,} bytes"
        rows.append(Row("corruption: the same seed again", "the same bytes", shown, same))
    return rows


def _corrupted(toxiproxy: Toxiproxy, sink_port: int, rate: float, total: int) -> Received:
    (port,) = toxiproxy.put(1, sink_port)
    upload = Upload(port, total)
    toxiproxy.links.begin_fault(body("f", names(1), "corrupt", "upstream", rate_per_byte=rate, flip="bit"))
    try:
        return upload.run()
    finally:
        toxiproxy.links.end_fault("f")


# -- a partition -------------------------------------------


def partition() -> list[Row]:
    """A partition of 30 % of the links: which fall silent, and what the others observe."""
    silent, untouched, before_ms, during_ms = asyncio.run(_partition())
    hit = names(6)
    exact = silent == set(hit) and untouched == set(names(14, 7))
    ratio = during_ms / before_ms
    counts = f"{len(silent)} silent, {len(untouched)} untouched"
    shown = f"{ratio:.2f} ({during_ms:.2f} ms, before {before_ms:.2f} ms)"
    return [
        Row("a partition of 30 % of 20 links", "6 silent, 14 untouched", counts, exact),
        Row("p99 of the round trips of the 14, ÷ before", "≤ 1.2", shown, ratio <= 1.2),
    ]


async def _partition() -> tuple[set[str], set[str], float, float]:
    look = ProbeRate(probes_per_s=15, connects_per_s=0)
    with Toxiproxy() as toxiproxy:
        async with echo_server() as port, Prober(toxiproxy.put(LINKS, port), look) as prober:
            await asyncio.sleep(16)
            began = time.monotonic_ns()
            await asyncio.to_thread(toxiproxy.links.begin_fault, body("f", names(6), "hold"))
            await asyncio.sleep(15)
            ended = time.monotonic_ns()
            await asyncio.to_thread(toxiproxy.links.end_fault, "f")
            await asyncio.sleep(3)
            records = prober.records()
    windows = {link: record.window(began, ended) for link, record in records.items()}
    silent = {link for link, window in windows.items() if window.silences}
    untouched = {link for link, window in windows.items() if not window.silences and not window.ends}
    before = [rtt for link in untouched for rtt in records[link].window(began - 15 * S, began).rtt_ms]
    during = [rtt for link in untouched for rtt in windows[link].rtt_ms]
    return silent, untouched, float(np.percentile(before, 99)), float(np.percentile(during, 99))


# -- times -------------------------------------------------


def starts() -> list[Row]:
    """How far apart a fault begins on 200 links, and how near to its time it begins and ends."""
    count, spread_ms, start_ms, end_ms = 200, [], [], []
    with Toxiproxy() as toxiproxy, echo() as port:
        listening = toxiproxy.put(count, port)
        connections = [socket.create_connection((HOST, one)) for one in listening]
        for number in range(20):
            due = time.monotonic_ns() + round(LEAD_S * 1e9)
            asked = {**body(f"f{number}", names(count), "delay", mean_ms=5), "begin_at_mono_ns": due}
            state = toxiproxy.links.begin_fault(asked, lead_s=LEAD_S)
            begun = [link.began_at_mono_ns for link in state.links]
            called = time.monotonic_ns()
            ended = [link.ended_at_mono_ns for link in toxiproxy.links.end_fault(f"f{number}").links]
            spread_ms.append((max(begun) - min(begun)) / 1e6)
            start_ms.append(max(abs(one - due) for one in begun) / 1e6)
            end_ms.append(max(abs(one - called) for one in ended) / 1e6)
        for one in connections:
            one.close()
    figures = (
        ("start spread", spread_ms, 10),
        ("start error", start_ms, 50),
        ("end error", end_ms, 50),
    )
    return [
        Row(f"{what} on 200 links, worst of 20", f"≤ {most} ms", f"{max(of):.3f} ms", max(of) <= most)
        for what, of, most in figures
    ]


# -- what it costs -----------------------------------------


def cost() -> list[Row]:
    """Toxiproxy with no toxic against a direct connection, in turns."""
    with Toxiproxy() as toxiproxy:
        with sink() as port:
            (through,) = toxiproxy.put(1, port)
            theirs, ours = in_turn(lambda: _throughput(port), lambda: _throughput(through), 7)
            rate = ratios(ours, theirs)
        with echo() as port:
            (through,) = toxiproxy.put(1, port)
            direct_us, through_us = in_turn(lambda: _round_trip_us(port), lambda: _round_trip_us(through), 7)
            slower = statistics.median(through_us) - statistics.median(direct_us)
    gb = statistics.median(ours) / 1e9
    direct = f"{statistics.median(direct_us):.0f} µs direct"
    return [
        Row("throughput through Toxiproxy ÷ direct", "shown", f"{rate} ({gb:.2f} GB/s through it)"),
        Row("p50 round trip through Toxiproxy − direct", "shown", f"{slower:.0f} µs ({direct})"),
    ]


def _throughput(port: int, total: int = 1_000_000_000) -> float:
    began = time.monotonic()
    arrived = Upload(port, total).run()
    assert arrived.received == total
    return total / (time.monotonic() - began)


def _round_trip_us(port: int, count: int = 3000) -> float:
    with socket.create_connection((HOST, port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        took = []
        for _ in range(count):
            began = time.monotonic_ns()
            connection.sendall(b"x" * 64)
            connection.recv(4096)
            took.append((time.monotonic_ns() - began) / 1000)
    return statistics.median(took)


# -- endurance ---------------------------------------------


def cycles(count: int = 10_000) -> list[Row]:
    """Many faults put on and taken off again: how long calls take, and what is left."""
    took_ms = []
    with Toxiproxy() as toxiproxy, echo() as port:
        connections = [socket.create_connection((HOST, one)) for one in toxiproxy.put(LINKS, port)]
        for number in range(100):
            _cycle(toxiproxy, number)
        time.sleep(2)
        before = (toxiproxy.goroutines(), toxiproxy.descriptors())
        for number in range(count):
            took_ms += _cycle(toxiproxy, number)
        time.sleep(2)
        after = (toxiproxy.goroutines(), toxiproxy.descriptors())
        live = sum(link.connections for link in toxiproxy.links.states())
        for one in connections:
            one.close()
    p99 = float(np.percentile(took_ms, 99))
    leaked = (after[0] - before[0], after[1] - before[1], live - len(connections))
    # A request of the stock API that is just being answered, or a connection that is kept alive, is no leak.
    return [
        Row(f"{count:,} inject/heal cycles: goroutines, descriptors, connections left over", "2 at most",
            f"{leaked[0]:+d}, {leaked[1]:+d}, {leaked[2]:+d}", max(abs(one) for one in leaked) <= 2),
        Row(f"{2 * count:,} calls of the API on {LINKS} links: p50 / p99", "p99 < 20 ms",
            f"{statistics.median(took_ms):.2f} ms / {p99:.2f} ms", p99 < 20),
    ]  # fmt: skip


def _cycle(toxiproxy: Toxiproxy, number: int) -> list[float]:
    began = time.monotonic()
    toxiproxy.links.begin_fault(body(f"c{number}", names(LINKS), "delay", mean_ms=5))
    on = time.monotonic()
    toxiproxy.links.end_fault(f"c{number}")
    return [(on - began) * 1e3, (time.monotonic() - on) * 1e3]


MEASURES: dict[str, Callable[[], list[Row]]] = {
    "latency": latency,
    "bandwidth": bandwidth,
    "corruption": corruption,
    "partition": partition,
    "starts": starts,
    "cost": cost,
    "cycles": cycles,
}


QUICK = ("starts",)


def rows(*, quick: bool) -> list[HarnessRow]:
    """Measure, print and write the table; one row about all of it."""
    found = []
    lines = ["| measure | reach | measured |", "|---|---|---|"]
    print("\n".join(lines), flush=True)
    for name in QUICK if quick else MEASURES:
        for row in MEASURES[name]():
            found.append(row)
            mark = "" if row.ok is None else " ✓" if row.ok else " ✗"
            lines.append(f"| {row.measure} | {row.reach} | {row.measured}{mark} |")
            print(lines[-1], flush=True)
    if not quick:
        TABLE.write_text("\n".join([*_about(), "", *lines]) + "\n")
    judged = [row.ok for row in found if row.ok is not None]
    return [
        HarnessRow(
            measure="faults as exact as they must be", baseline="what was asked: faults.md", unit="measures",
            ours=estimate([sum(judged)]), theirs=estimate([len(judged)]),
            figure=estimate([sum(judged) / len(judged)]), cores="not pinned", rounds=1, must=at_least(1),
        )
    ]  # fmt: skip


def _about() -> list[str]:
    where = origin()
    return [f"One run of `make bench ONLY=faults`, {where.date} UTC, commit {where.commit}. {where.machine}."]
