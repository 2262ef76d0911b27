"""No altered frame got past its code: what is noticed behind it was taken for genuine before."""

from __future__ import annotations

from collections import Counter

from driver.checks.check import Check, Params
from driver.checks.finding import Finding, failed, passed, show, unknown
from driver.histories.history import COORDINATOR, History
from driver.histories.journal_gaps import WORKERS
from driver.metrics import Metrics
from wire.errors import FrameFault
from wire.events import FrameRefused

NAME = "damage_was_not_believed"
BEHIND_THE_CODE = (
    FrameFault.undecodable,
    FrameFault.bomb,
    FrameFault.sequence_gap,
    FrameFault.ack_from_future,
)


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """One frame that makes no sense behind its code stands for many that made sense, and were believed."""
    refused = history.of(FrameRefused)
    if not refused:
        return unknown(NAME, "no frame was refused, so that nothing tells how damage is noticed")
    believed = [event for event in refused if event.fault in BEHIND_THE_CODE]
    kinds = ", ".join(f"{count} {fault}" for fault, count in Counter(e.fault for e in refused).most_common())
    if believed:
        because = f"{len(believed)} of {len(refused)} bad frames had got past their code: {kinds}"
        return failed(
            NAME,
            because,
            measured=len(believed),
            threshold=0,
            margin=-len(believed),
            evidence=show(history, believed[:2]),
        )
    because = f"all {len(refused)} bad frames were refused before anything in them was read: {kinds}"
    return passed(NAME, because, measured=0, threshold=0, margin=0)


CHECK = Check(
    name=NAME,
    claims="Nothing that was altered on the way was taken for genuine.",
    judge=judge,
    rests_on=(COORDINATOR, WORKERS),
)
