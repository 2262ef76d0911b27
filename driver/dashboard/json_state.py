"""What the page's states of every system have in common, as JSON objects. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from driver.dashboard.live_faults import LiveFault

JsonObject = dict[str, Any]


def fault_state(fault: LiveFault) -> JsonObject:
    """Return a fault as a page shows it, its times as Unix time."""
    begun, receipt = fault.begun, fault.receipt
    return {
        "id": begun.fault,
        "kind": begun.kind,
        "targets": list(begun.targets),
        "params": msgspec.json.decode(begun.params),
        "since_s": begun.wall_s,
        "ended_s": fault.ended_wall_s,
        "until_s": None if begun.for_s is None else begun.wall_s + begun.for_s,
        "receipt": "" if receipt is None else ("proved" if receipt.proved else "unproved"),
        "because": receipt.because if receipt else "",
        "by_hand": begun.fault.startswith("by-hand"),
    }
