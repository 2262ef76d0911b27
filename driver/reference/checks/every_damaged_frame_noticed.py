"""Altered bytes on a link are detected: a frame is refused, or the connection is closed."""

from __future__ import annotations

from bisect import bisect_right

from driver.checks.check import Check, Param, Params
from driver.checks.finding import Finding, passed, show, unknown, violated
from driver.histories.history import SERVER, History
from driver.histories.journal_gaps import CLIENTS
from driver.histories.run_timeline import FaultWindow, run_timeline
from driver.metrics import Metrics
from wire.events import ConnectFailed, ConnectionLost, Event, FrameRefused, HandshakeRefused, TrafficTotals

NAME = "every_damaged_frame_noticed"
DAMAGE = "damaged_per_byte"
_LATE_NS = 2_000_000_000


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Expect a detection on each link whose receipt measured damage, and which carried enough bytes."""
    run = history.view(run_timeline)
    damaging = [
        (window, window.receipt.measured[DAMAGE])
        for window in run.faults
        if window.receipt and window.receipt.measured.get(DAMAGE, 0) > 0
    ]
    if not damaging:
        return unknown(NAME, "no receipt measured altered bytes")
    certain, silent, detected = 0, [], 0
    for window, per_byte in damaging:
        for worker in window.receipt.hit if window.receipt else ():
            detections = _detections(history, worker, window)
            detected += len(detections)
            if per_byte * _carried(history, worker, window) >= params["expected"]:
                certain += 1
                silent += [] if detections else [(window, worker)]
    if not certain:
        least = params["expected"]
        return unknown(NAME, f"no link carried enough bytes for {least:g} altered ones")
    if silent:
        window, worker = silent[0]
        because = f"on {len(silent)} links altered bytes were not detected: {worker} under {window.fault}"
        return violated(NAME, because, len(silent), show(history, [window.begun]))  # fmt: skip
    because = f"altered bytes were detected {detected} times, on each of {certain} links that carried enough"
    return passed(NAME, because, measured=0, threshold=0, margin=0)


def _detections(history: History, worker: str, window: FaultWindow) -> list[Event]:
    until_ns = (window.ended_ns or window.began_ns) + _LATE_NS
    kinds = (FrameRefused, HandshakeRefused, ConnectionLost, ConnectFailed)
    inside = [e for kind in kinds for e in history.of(kind)
              if window.began_ns <= e.at_ns <= until_ns]  # fmt: skip
    return [
        e for e in inside if e.by == worker or worker in (getattr(e, "peer", ""), getattr(e, "worker", ""))
    ]


def _carried(history: History, worker: str, window: FaultWindow) -> int:
    """Return the bytes that a worker sent and received in a fault's window, by its own totals."""
    totals = [event for event in history.of(TrafficTotals) if event.by == worker]

    def until(at_ns: int) -> int:
        index = bisect_right(totals, at_ns, key=lambda event: event.at_ns)
        return totals[index - 1].wire_bytes_sent + totals[index - 1].wire_bytes_received if index else 0

    return max(0, until(window.ended_ns or window.began_ns) - until(window.began_ns))


CHECK = Check(
    name=NAME,
    rank=210,
    claim="Altered bytes were detected on every link that carried enough.",
    judge=judge,
    broken_by=("damage_unnoticed",),
    params={
        "expected": Param(
            10, "altered bytes to expect on a link before no detection there is a failure", least=1
        )
    },
    requires=(SERVER, CLIENTS),
)
