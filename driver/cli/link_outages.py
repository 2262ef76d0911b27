"""`lab.py links --outages`: each outage of each link, with its phases."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from driver.dashboard.system_model import loss_kind, short_s
from driver.histories.connection_history import Outage, connection_histories
from driver.histories.history import History
from driver.histories.journals import read_history
from driver.histories.link_connections import incomplete_links
from driver.histories.link_history import link_history
from driver.histories.run_timeline import RunTimeline, run_timeline
from driver.nouns import counted
from driver.terminal import print_json, print_lines, print_table

COLUMNS = ("link", "lost", "how", "under", "detected", "attempts", "of them", "back in")
MOST_OUTAGES = 200
"""Rows of the table; the oldest are left out, and counted."""


@dataclass(frozen=True)
class OutageRow:
    """One outage: when it was lost, before `now`, and its phases in seconds (None: not yet, or unknown).

    `waiting_s` is between attempts, `failed_s` in attempts that failed, `connecting_s` in the last one.
    """

    link: str
    lost_ago_s: float
    how: str
    fault: str
    detected_s: float
    attempts: int
    failed_attempts: int
    waiting_s: float | None
    failed_s: float
    connecting_s: float
    back_s: float | None


def show_outages(folder: Path, as_json: bool) -> None:
    """Print every outage of the links of the system in `folder`, the newest last."""
    history = read_history(folder)
    rows = outage_rows(history, time.monotonic_ns())
    unknown = incomplete_links(history)
    if as_json:
        print_json(json.dumps({"outages": [asdict(one) for one in rows], "unknown": unknown}))
        return
    if rows:
        print_table(COLUMNS, [_cells(one) for one in rows[-MOST_OUTAGES:]], [_mark(one) for one in rows])
    print_lines(_below(rows, unknown))


def outage_rows(history: History, now_ns: int) -> list[OutageRow]:
    """Return the outages of every link of the doors' journals, in the order of their losses."""
    links = link_history(history)
    run = links.view(run_timeline)
    outages = [one for found in links.view(connection_histories).values() for one in found.outages]
    return [_row(one, run, now_ns) for one in sorted(outages, key=lambda one: one.lost_ns)]


def _row(one: Outage, run: RunTimeline, now_ns: int) -> OutageRow:
    return OutageRow(
        link=one.client,
        lost_ago_s=(now_ns - one.lost_ns) / 1e9,
        how=loss_kind(one),
        fault=_fault(one, run),
        detected_s=one.detection_s,
        attempts=len(one.attempts),
        failed_attempts=sum(attempt.kind not in ("", "connected") for attempt in one.attempts),
        waiting_s=one.waiting_s,
        failed_s=one.failed_attempts_s,
        connecting_s=one.handshake_s,
        back_s=one.total_s,
    )


def _fault(one: Outage, run: RunTimeline) -> str:
    """Return the fault on the link between the break and the next connection; "" for none."""
    until_ns = one.back_ns or run.end_ns
    kinds = [
        window.kind
        for window in run.faults_on(one.client)
        if window.due_ns <= until_ns and (window.ended_ns is None or one.broken_ns <= window.ended_ns)
    ]
    return ", ".join(dict.fromkeys(kinds))


def _cells(one: OutageRow) -> list[str]:
    phases = [("waiting", one.waiting_s), ("failing", one.failed_s), ("connecting", one.connecting_s)]
    return [
        one.link,
        f"{short_s(one.lost_ago_s)} ago",
        one.how,
        one.fault,
        f"in {short_s(one.detected_s)}",
        f"{one.attempts}, {one.failed_attempts} failed" if one.failed_attempts else str(one.attempts),
        ", ".join(f"{short_s(length)} {name}" for name, length in phases if length and length >= 0.0005),
        "not back" if one.back_s is None else short_s(one.back_s),
    ]


def _mark(one: OutageRow) -> str:
    return "bad" if one.back_s is None else ""


def _below(rows: Sequence[OutageRow], unknown: Sequence[str]) -> list[str]:
    left = len(rows) - MOST_OUTAGES
    lines = [f"({left:,} older outages are left out; --json has all.)"] if left > 0 else []
    away = {one.link for one in rows if one.back_s is None}
    lost = {one.link for one in rows}
    lines.append(
        f"{counted(len(rows), 'outage')} of {counted(len(lost), 'link')}, {len(away)} not back."
        if rows
        else "No link lost its last connection."
    )
    if unknown:
        lines.append(f"Not known, since too many lines came: {', '.join(unknown)}.")
    return lines
