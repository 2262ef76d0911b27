"""What reports of every format show: figures, rows of clients and faults, findings, configuration. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from driver.checks.finding import Finding, Status
from driver.histories.connection_history import connection_histories
from driver.histories.intervals import intersection, length_ns
from driver.histories.run_timeline import RunTimeline, run_timeline
from driver.judging.verdict import RunOutcome
from driver.metrics import METRICS
from driver.metrics.faults import FaultEffect, effects
from driver.metrics.quantities import write
from driver.nouns import counted
from driver.report.operation_rates import Rates
from driver.report.subject import KEY_FIGURES
from driver.report.subject_choice import subject_of
from driver.results.judged_run import JudgedRun

VERDICT_ICONS = {
    RunOutcome.passed: "✅",
    RunOutcome.failed: "❌",
    RunOutcome.inconclusive: "❔",
    RunOutcome.expected_failure: "⚠️",
}
STATUS_ICONS = {Status.passed: "✅", Status.failed: "❌", Status.unknown: "❔"}


@dataclass(frozen=True)
class Figure:
    """One metric as a report shows it."""

    name: str
    value: str
    formula: str


@dataclass(frozen=True)
class ClientRow:
    """One client as a report shows it. `connected` is its share of the time from the run's zero, and `last`
    the figure of its subject's last column.
    """

    name: str
    connected: str
    reconnections: int
    attempts: int
    longest_s: float | None
    last: str


@dataclass(frozen=True)
class FaultRow:
    """One fault as a report shows it. Times count from the run's zero."""

    fault: str
    kind: str
    targets: str
    began_s: float
    lasted_s: float | None
    proved: bool
    receipt: str
    clients_cut: int
    recovery_s: float | None
    rates: str


def figures(run: JudgedRun, names: Sequence[str] = KEY_FIGURES) -> list[Figure]:
    """Return metrics by their names, without those that have no value."""
    values = run.metrics.values
    return [
        Figure(name, write(values[name], METRICS[name].unit), METRICS[name].formula.partition(". ")[0])
        for name in names
        if values.get(name) is not None
    ]


def client_rows(run: JudgedRun) -> list[ClientRow]:
    """Return a row for each client: a replica, or a link of one."""
    _, last = subject_of(run.history).last_column
    histories = run.history.view(connection_histories)
    whole = run.history.view(run_timeline)
    span = (whole.zero_ns, max(whole.end_ns, whole.zero_ns + 1))
    return [
        ClientRow(
            name=one.client,
            connected=f"{100 * length_ns(intersection(one.connected, [span])) / length_ns([span]):.1f} %",
            reconnections=len(one.reconnections),
            attempts=len(one.attempts),
            longest_s=max(
                (total for outage in one.outages if (total := outage.total_s) is not None), default=None
            ),
            last=last(run.history, one),
        )
        for one in histories.values()
    ]


def fault_rows(run: JudgedRun) -> list[FaultRow]:
    """Return a row for each fault."""
    run_times = run.history.view(run_timeline)
    _, rates = subject_of(run.history).rates
    return [_fault_row(effect, run_times, rates(run.history, effect)) for effect in run.history.view(effects)]


def sorted_findings(run: JudgedRun) -> list[Finding]:
    """Return the findings: failed ones first, then unknown ones, then passed ones."""
    order = {Status.failed: 0, Status.unknown: 1, Status.passed: 2}
    return sorted(run.verdict.findings, key=lambda finding: order[finding.status])


def red_says(finding: Finding) -> str:
    """Return how a finding that passed was shown to fail, in few words; "" where it was not."""
    return f"red with {finding.red.change}" if finding.red is not None else ""


def because_with_red(finding: Finding) -> str:
    """Return a finding's reason; of one that was shown to fail, with how."""
    red = red_says(finding)
    return f"{finding.because} ({red})" if red else finding.because


def reds_say(findings: Sequence[Finding]) -> str:
    """Return how many of the findings were shown to fail, as a sentence; "" where no control was run."""
    red = sum(1 for one in findings if one.red is not None)
    if not red:
        return ""
    return f"{counted(red, 'finding')} that passed failed on a changed copy of this run's history: shown red."


def configuration(run: JudgedRun) -> list[tuple[str, str]]:
    """Return versions, images, host and settings as pairs."""
    record = run.record
    pairs = [("command", " ".join(record.argv))] if record.argv else []
    for name, values in (
        ("version", record.versions),
        ("image", record.images),
        ("host", record.host),
        ("setting", record.settings),
    ):  # fmt: skip
        pairs += [
            (f"{name} {key}", value if isinstance(value, str) else _json(value))
            for key, value in values.items()
        ]
    return pairs


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _fault_row(effect: FaultEffect, run: RunTimeline, rates: Rates) -> FaultRow:
    window = effect.window
    receipt = window.receipt
    receipt_text = "none"
    if receipt is not None:
        hit, spared = len(receipt.hit), len(receipt.spared)
        strayed = f", {len(receipt.strayed)} strayed" if receipt.strayed else ""
        missed = f", {len(receipt.missed)} missed" if receipt.missed else ""
        receipt_text = f"{hit} hit, {spared} spared{missed}{strayed}"
    return FaultRow(
        fault=window.fault,
        kind=window.kind,
        targets=", ".join(window.targets[:3])
        + (f" and {len(window.targets) - 3} more" if len(window.targets) > 3 else ""),
        began_s=run.at_s(window.began_ns),
        lasted_s=None if window.ended_ns is None else (window.ended_ns - window.began_ns) / 1e9,
        proved=bool(receipt and receipt.proved),
        receipt=receipt_text,
        clients_cut=effect.clients_cut,
        recovery_s=effect.recovery_s,
        rates=" → ".join("–" if rate is None else f"{rate:.1f}" for rate in rates),
    )
