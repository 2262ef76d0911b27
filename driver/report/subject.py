"""What a report shows of a run's system: its words, lanes, curves and tables. Pure.

A report asks its subject; it never asks which system the run was on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from driver.advice.catalogue import advise
from driver.checks.finding import Finding
from driver.forensics.words import SYSTEM, Words
from driver.histories.connection_history import ConnectionHistory
from driver.histories.history import History
from driver.histories.link_connections import link_journals
from driver.histories.system_events import FAIL, OK, UNKNOWN, Operation
from driver.metrics import Metrics
from driver.metrics.metric import Unit
from driver.metrics.quantities import write
from driver.report.advice import Advice
from driver.report.charts.lanes import LanesOf
from driver.report.charts.link_lanes import system_lanes
from driver.report.charts.plot import Plot
from driver.report.charts.system_curves import system_curves, system_distributions
from driver.report.operation_rates import RatesOf, operation_rates
from driver.report.system_tables import system_tables
from driver.report.tables import Table

Tile = tuple[str, str]
"""A label and its figure, on the first screen."""

KEY_FIGURES = (
    "task_success_rate",
    "task_throughput_per_s",
    "task_latency_p50_s",
    "task_latency_p99_s",
    "ok_share",
    "unknown_share",
    "latency_p50_s",
    "latency_p99_s",
    "without_ok_max_s",
    "reconnections",
    "reconnections_per_worker_max",
    "reconnection_time_mean_s",
    "reconnection_time_p99_s",
    "detection_time_p99_s",
    "waiting_time_p99_s",
    "handshake_time_p99_s",
    "connection_success_rate",
    "sessions_resumed",
    "storm_peak_attempts_per_s",
    "storm_amplification",
    "time_to_95_percent_back_s",
    "time_to_all_back_s",
    "recovery_time_max_s",
    "messages_resent",
    "duplicates_received",
    "results_refused",
    "compression_ratio",
    "memory_worker_max_bytes",
    "memory_coordinator_max_bytes",
)


@dataclass(frozen=True)
class ReportSubject:
    """One kind of system. `last_column` is the heading and the figure of a client's last column, `rates` the
    heading of the rates around a fault, and `whole` the heading of the key figures.
    """

    words: Words
    lanes: LanesOf
    curves: Callable[[History], list[Plot]]
    distributions: Callable[[History], list[Plot]]
    tables: Callable[[History, Metrics], list[Table]]
    tiles: Callable[[History, Mapping[str, float | None]], list[Tile]]
    load: Callable[[History, Mapping[str, float | None]], str]
    advise: Callable[[History, Metrics, Sequence[Finding]], Sequence[Advice]]
    last_column: tuple[str, Callable[[History, ConnectionHistory], str]]
    rates: tuple[str, RatesOf]
    whole: str


def _operation_tiles(history: History, values: Mapping[str, float | None]) -> list[Tile]:
    counts = _outcomes(history)
    total = sum(counts.values())
    loads: list[Tile] = [
        ("Operations ok", f"{counts[OK]:,} of {total:,}"),
        ("Unknown · failed", f"{counts[UNKNOWN]:,} · {counts[FAIL]:,}"),
    ]
    return [*(loads if total else []), *connection_tiles(values)]


def connection_tiles(values: Mapping[str, float | None]) -> list[Tile]:
    """Return the tiles about connections, which every system has."""
    p50, p99 = (_seconds(values.get(f"reconnection_time_{part}_s")) for part in ("p50", "p99"))
    return [
        ("Reconnections", write(values.get("reconnections"), Unit.count)),
        ("Away, fault included, p50 · p99", f"{p50} · {p99}"),
        ("After healing, all back in", _seconds(values.get("time_to_all_back_s"))),
    ]


def _seconds(value: float | None) -> str:
    return write(value, Unit.seconds)


def _operation_load(history: History, _: Mapping[str, float | None]) -> str:
    counts = _outcomes(history)
    return (
        f"{sum(counts.values()):,} operations, {counts[OK]:,} ok, {counts[FAIL]:,} failed, "
        f"{counts[UNKNOWN]:,} unknown"
    )


def _outcomes(history: History) -> dict[str, int]:
    counts = {OK: 0, FAIL: 0, UNKNOWN: 0}
    for one in history.of(Operation):
        counts[one.outcome] = counts.get(one.outcome, 0) + 1
    return counts


def _carried(history: History, one: ConnectionHistory) -> str:
    journal = history.view(link_journals).get(one.client)
    each = journal.connections if journal else ()
    return write(sum(found.client.bytes + found.server.bytes for found in each), Unit.bytes)


SYSTEM_SUBJECT = ReportSubject(
    SYSTEM,
    system_lanes,
    system_curves,
    system_distributions,
    system_tables,
    _operation_tiles,
    _operation_load,
    advise,
    ("Carried", _carried),
    ("Ok/s", operation_rates),
    "The whole",
)
"""Any system behind doors."""
