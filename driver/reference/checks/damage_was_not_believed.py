"""No altered frame passed authentication: one that is refused behind it was accepted as genuine before."""

from __future__ import annotations

from collections import Counter

from driver.checks.check import Check, Params
from driver.checks.finding import Finding, passed, show, unknown, violated
from driver.histories.history import SERVER, History
from driver.histories.journal_gaps import CLIENTS
from driver.metrics import Metrics
from wire.errors import FrameFault
from wire.events import FrameRefused

NAME = "damage_was_not_believed"
BEHIND_AUTHENTICATION = (
    FrameFault.undecodable,
    FrameFault.bomb,
    FrameFault.sequence_gap,
    FrameFault.ack_from_future,
)


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Count frames that were refused only behind authentication: others like them were accepted."""
    refused = history.of(FrameRefused)
    if not refused:
        return unknown(NAME, "no frame was refused, so nothing shows how damage is detected")
    accepted = [event for event in refused if event.fault in BEHIND_AUTHENTICATION]
    kinds = ", ".join(f"{count} {fault}" for fault, count in Counter(e.fault for e in refused).most_common())
    if accepted:
        because = f"{len(accepted)} of {len(refused)} bad frames had passed authentication: {kinds}"
        return violated(NAME, because, len(accepted), show(history, accepted[:2]))
    because = f"all {len(refused)} bad frames were refused before their content was read: {kinds}"
    return passed(NAME, because, measured=0, threshold=0, margin=0)


CHECK = Check(
    name=NAME,
    rank=220,
    claim="No frame that was altered in transit was accepted as genuine.",
    judge=judge,
    broken_by=("damage_believed",),
    requires=(SERVER, CLIENTS),
)
