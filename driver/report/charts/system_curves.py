"""Curves of a foreign system: its links, its load's operations, its observations, its containers. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from driver.histories.history import History
from driver.histories.intervals import holds
from driver.histories.link_connections import link_journals
from driver.histories.link_events import ConnectionEnded, ConnectionSeen, LinkNamed
from driver.histories.link_names import pair_of
from driver.histories.run_timeline import run_timeline
from driver.histories.system_events import FAIL, OK, UNKNOWN, Operation, Reading
from driver.metrics.metric import percentile
from driver.metrics.resources import usage
from driver.metrics.signals import SIGNALS
from driver.report.charts.bins import Bins, finest, fitted, widths_ns
from driver.report.charts.distributions import distribution, reconnection_distribution
from driver.report.charts.lanes import Clock
from driver.report.charts.plot import Plot, PlotLine, in_bins, plot_of

MOST_LINES = 5
"""Lines of one plot; what is left of pairs and containers is none of the largest."""
MOST_OBSERVATIONS = 12
WRITTEN_EVERY_NS = 1_000_000_000
"""How often a door writes about an open connection."""


def system_curves(history: History) -> list[Plot]:
    """Return the plots of what changed over time; those without any number are left out."""
    clock = Clock(history)
    makers = (_links, _operations, _observations, _containers)
    return [plot for make in makers for plot in make(history, clock) if plot.series]


def system_distributions(history: History) -> list[Plot]:
    """Return the plots of cumulative shares: times to reconnect, and latencies of operations."""
    run = history.view(run_timeline)
    first_ns = run.first_fault_ns
    groups: dict[str, list[float | None]] = {"before any fault": [], "under a fault": [], "after a fault": []}
    for one in history.of(Operation):
        is_before = first_ns is None or one.due_ns < first_ns
        name = (
            "under a fault" if holds(run.under_fault, one.due_ns) else "before any fault" if is_before else ""
        )
        groups[name or "after a fault"].append(_latency_s(one))
    plots = [
        reconnection_distribution(history),
        distribution("operation-latency", "Latency of operations", "By when they were due.", groups),
    ]
    return [plot for plot in plots if plot.series]


def _links(history: History, clock: Clock) -> list[Plot]:
    fine, count = finest(clock), len(history.clients)
    steps = SIGNALS["connected"].steps(history)
    connected = [(at_ns, share * count) for at_ns, share in steps if at_ns < clock.end_ns]
    asked: dict[str, list[int]] = {}
    for name, journal in history.view(link_journals).items():
        asked.setdefault(pair_of(name), []).extend(one.asked_ns for one in journal.connections)
    busiest = _largest({name: len(each) for name, each in asked.items()})
    by_asked = fitted(clock, [at_ns for each in asked.values() for at_ns in each])
    moved, coarse = _bytes(history), Bins(clock, _byte_width_ns(clock))
    return [
        plot_of(
            fine, "connected", "Links connected", "links", "Both ends still have a connection of the link.",
            PlotLine("connected", fine.least(connected) if connected else []),
        ),
        plot_of(
            by_asked, "attempts", "Attempts to connect", "1/s",
            f"Connections that clients asked for, by pair, {in_bins(by_asked)}.",
            *(PlotLine(pair, by_asked.rate_per_s(asked[pair])) for pair in busiest),
        ),
        plot_of(
            coarse, "bytes", "Bytes carried", "KB/s",
            "Both ways together, by pair, as doors wrote it once a second.",
            *(PlotLine(pair, _per_s(coarse, moved[pair])) for pair in _largest(_sums(moved))),
        ),
    ]  # fmt: skip


def _operations(history: History, clock: Clock) -> list[Plot]:
    done = history.of(Operation)
    ended = {kind: [one.return_ns for one in done if one.outcome == kind] for kind in (OK, UNKNOWN, FAIL)}
    bins = fitted(clock, [one.return_ns for one in done])
    waits = [(one.due_ns, _latency_s(one)) for one in done if one.outcome == OK]
    return [
        plot_of(
            bins, "operations", "Operations", "1/s",
            f"By when they ended; unknown: they may have had an effect. Drawn {in_bins(bins)}.",
            *(PlotLine(kind, bins.rate_per_s(at_ns)) for kind, at_ns in ended.items() if at_ns),
        ),
        plot_of(
            bins, "operation-latency", "Latency by intended start", "s",
            f"Of operations that were ok, from the moment when each was due, {in_bins(bins)}.",
            PlotLine("median", bins.each(waits, lambda n: percentile(n, 50))),
            PlotLine("largest", bins.each(waits, lambda n: n[-1])),
            log=True,
        ),
    ]  # fmt: skip


def _observations(history: History, clock: Clock) -> list[Plot]:
    values: dict[str, list[tuple[int, float]]] = {}
    for one in history.of(Reading):
        if one.number is not None:
            values.setdefault(one.name, []).append((one.asked_ns, one.number))
    plots = []
    for name, pairs in list(values.items())[:MOST_OBSERVATIONS]:
        bins = fitted(clock, [at_ns for at_ns, _ in pairs])
        line = PlotLine(name, bins.each(pairs, lambda n: n[-1]))
        plots.append(plot_of(bins, f"observed-{name}", name, "", "As it was observed.", line))
    return plots


def _containers(history: History, clock: Clock) -> list[Plot]:
    fine, used = finest(clock), history.view(usage)
    memory = {
        name: [(at, size / 2**20) for at, size in zip(one.at_ns, one.memory_bytes, strict=True)]
        for name, one in used.items()
    }
    cpu = {name: list(zip(one.at_ns[1:], one.cpu_cores[1:], strict=True)) for name, one in used.items()}
    return [
        plot_of(
            fine, "memory", "Memory", "MiB", "What the engine says each container holds.",
            *(PlotLine(name, fine.each(memory[name], lambda n: n[-1])) for name in _largest(_most(memory))),
        ),
        plot_of(
            fine, "cpu", "CPU", "cores", "Seconds of CPU in a second.",
            *(PlotLine(name, fine.each(cpu[name], lambda n: n[-1])) for name in _largest(_most(cpu))),
        ),
    ]  # fmt: skip


def _bytes(history: History) -> dict[str, list[tuple[int, float]]]:
    """Return the bytes of each pair, as they were added from one line of a connection to the next."""
    names = {(one.by, one.link): one.name for one in history.of(LinkNamed)}
    before: dict[tuple[str, int, int], int] = {}
    moved: dict[str, list[tuple[int, float]]] = {}
    for one in history.merged(ConnectionSeen, ConnectionEnded):
        assert isinstance(one, ConnectionSeen | ConnectionEnded)
        key, total = (one.by, one.connection, one.opened_ns), one.client.bytes + one.server.bytes
        pair = pair_of(names.get((one.by, one.link), one.link))
        moved.setdefault(pair, []).append((one.at_ns, float(total - before.get(key, 0))))
        before[key] = total
    return moved


def _byte_width_ns(clock: Clock) -> int:
    """Return the width of the steps of bytes: doors write once a second, so that narrower ones would jump."""
    widths = widths_ns(clock)
    return next((width for width in widths if width >= 2 * WRITTEN_EVERY_NS), widths[-1])


def _per_s(bins: Bins, pairs: Sequence[tuple[int, float]]) -> list[float | None]:
    summed = bins.each(pairs, lambda n: sum(n) / bins.seconds / 1e3)
    return [0.0 if value is None else value for value in summed]


def _largest(sizes: Mapping[str, float]) -> list[str]:
    """Return the names with the largest sizes, in order of the names."""
    return sorted(sorted(sizes, key=lambda name: -sizes[name])[:MOST_LINES])


def _most(values: Mapping[str, Sequence[tuple[int, float]]]) -> dict[str, float]:
    return {name: max((value for _, value in each), default=0.0) for name, each in values.items()}


def _sums(values: Mapping[str, Sequence[tuple[int, float]]]) -> dict[str, float]:
    return {name: sum(value for _, value in each) for name, each in values.items()}


def _latency_s(one: Operation) -> float:
    return (one.return_ns - one.due_ns) / 1e9
