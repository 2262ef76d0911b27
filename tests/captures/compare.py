"""Holds each receipt against the packets: begin, end, magnitude, and the links that were hit and spared."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.captures.hosts import Host, gone
from tests.captures.streams import Link
from tests.captures.views import MS, VIEWS, Moment, S, ways

INSTANT = frozenset({"cut", "reset", "restart"})
# Effects that hit by chance, or once: a moment without one, while it is on, is none against it.
BY_CHANCE = frozenset({"corrupt", "drop", "duplicate", "truncate", "fail_first", "cut", "reset"})
# A busy machine may delay a packet or two as these do.
HICCUPS = frozenset({"latency", "bandwidth", "stall", "partition", "blackhole", "hang"})
# How far the packets may lie beside the times in a receipt.
TOLERANCE_NS = 150 * MS
# What a fault leaves behind: connections made again, bytes that were held.
SETTLE_NS = 2 * S
QUIET_NS = 4 * S
# A worker that was started again is back within this much.
AGAIN_NS = 10 * S
LIMITS = frozenset({"cpu", "memory"})


@dataclass
class Truth:
    """What came of one receipt: "" or what the packets say against it (where it says proved), why it says
    that the fault is not proved (where it does), and how exact it was.
    """

    kind: str
    fault: str
    proved: bool
    against: str = ""
    because: str = ""
    begin_ms: float | None = None
    end_ms: float | None = None
    off: float | None = None


@dataclass
class Seen:
    """All that was captured in one run."""

    links: Mapping[str, Link]
    hosts: Mapping[str, Host]
    params: Mapping[str, Mapping[str, Any]]
    receipts: Sequence[Mapping[str, Any]]
    _moments: dict[tuple[str, str, str], list[Moment]] = field(default_factory=dict)

    def moments(self, link: str, receipt: Mapping[str, Any]) -> list[Moment]:
        """What the packets of a link say of a fault of that kind and size; worked out once."""
        asked = self.params[receipt["fault"]]
        key = (link, receipt["kind"], repr(sorted(asked.items())))
        if key not in self._moments:
            self._moments[key] = list(VIEWS[receipt["kind"]](self.links[link], asked))
        return self._moments[key]


def compare(seen: Seen) -> list[Truth]:
    """One truth for each receipt of a link fault or of a worker's container."""
    truths = []
    for receipt in seen.receipts:
        truth = Truth(receipt["kind"], receipt["fault"], receipt["proved"])
        if not receipt["proved"]:
            truth.because = receipt["because"]
        elif receipt["kind"] in VIEWS:
            _on_links(seen, receipt, truth)
        else:
            truth.against = gone(receipt, seen.hosts, truth)
        truths.append(truth)
    return truths


def _on_links(seen: Seen, receipt: Mapping[str, Any], truth: Truth) -> None:
    for link in receipt["hit"]:
        before_ns, after_ns = _clear(seen, link, receipt)
        moments = seen.moments(link, receipt)
        truth.against = truth.against or _against(moments, receipt, before_ns, after_ns, truth)
    for link in receipt["spared"]:
        if _worker_was_hit(seen, link, receipt):
            continue
        inside = _within(seen.moments(link, receipt), receipt["began_ns"], receipt["ended_ns"])
        hurt = [one for one in inside if one.there]
        # A hiccup of the machine delays one packet or two; a fault, most of them.
        if receipt["kind"] in HICCUPS:
            hurt = hurt if len(hurt) > max(3, len(inside) / 4) else []
        if hurt and not truth.against:
            truth.against = f"{link} was hit as well"
    if not truth.against:
        truth.against = _magnitude(seen, receipt, truth)


def _worker_was_hit(seen: Seen, link: str, receipt: Mapping[str, Any]) -> bool:
    """Whether the link's own worker was killed, paused or the like about that time: its link is well, and its
    packets are not.
    """
    return any(
        link in other["hit"]
        and other["kind"] not in VIEWS
        and other["began_ns"] - SETTLE_NS < receipt["ended_ns"]
        and receipt["began_ns"] < other["ended_ns"] + AGAIN_NS
        for other in seen.receipts
    )


def _clear(seen: Seen, link: str, receipt: Mapping[str, Any]) -> tuple[int, int]:
    """From when to when no other fault was on that link."""
    # While a lab starts nothing is as it is later.
    before_ns = min(one["began_ns"] for one in seen.receipts) - QUIET_NS - SETTLE_NS
    after_ns = max(one["ended_ns"] for one in seen.receipts) + QUIET_NS
    for other in seen.receipts:
        core = any(name in ("coordinator", "toxiproxy") for name in other["hit"])
        if other is receipt or not (core or link in other["hit"] or link in other["missed"]):
            continue
        if other["began_ns"] > receipt["began_ns"]:
            after_ns = min(after_ns, other["began_ns"])
        else:
            before_ns = max(before_ns, other["ended_ns"])
    return before_ns + SETTLE_NS, after_ns


def _against(
    moments: Sequence[Moment], receipt: Mapping[str, Any], before_ns: int, after_ns: int, truth: Truth
) -> str:
    kind, began_ns, ended_ns = receipt["kind"], receipt["began_ns"], receipt["ended_ns"]
    if kind in INSTANT:
        ended_ns = began_ns
    there = [one for one in moments if one.there]
    about = [
        one
        for one in there
        if began_ns - TOLERANCE_NS <= one.until_ns and one.from_ns <= ended_ns + TOLERANCE_NS
    ]
    if not about:
        return "the packets show nothing of it"
    inner = _within(moments, began_ns + TOLERANCE_NS, ended_ns - TOLERANCE_NS)
    missing = [one for one in inner if not one.there]
    if missing and kind not in BY_CHANCE:
        return f"the packets show it gone {(missing[0].from_ns - began_ns) / S:.2f} s after its begin"
    early = [one for one in there if before_ns < one.from_ns and one.until_ns < began_ns - TOLERANCE_NS]
    late = [
        one for one in there if ended_ns + SETTLE_NS < one.from_ns and one.until_ns < after_ns - TOLERANCE_NS
    ]
    if len(early) > _stray(kind, moments):
        return f"the packets show it {(began_ns - early[0].from_ns) / S:.2f} s before its begin"
    if len(late) > _stray(kind, moments):
        return f"the packets show it {(late[-1].from_ns - ended_ns) / S:.2f} s after its end"
    truth.begin_ms = (min(max(one.from_ns, began_ns - TOLERANCE_NS) for one in about) - began_ns) / MS
    if kind not in INSTANT and kind not in BY_CHANCE:
        truth.end_ms = (ended_ns - max(min(one.until_ns, ended_ns) for one in about)) / MS
    return ""


def _stray(kind: str, moments: Sequence[Moment]) -> int:
    """How many hiccups a whole capture may show that look like the effect; of damage and ends, none."""
    return max(3, len(moments) // 100) if kind in HICCUPS else 0


def _within(moments: Iterable[Moment], from_ns: int, until_ns: int) -> list[Moment]:
    return [one for one in moments if from_ns <= one.from_ns and one.until_ns <= until_ns]


def _magnitude(seen: Seen, receipt: Mapping[str, Any], truth: Truth) -> str:
    """What the packets say against the size in a receipt, as a share of it."""
    kind, asked = receipt["kind"], seen.params[receipt["fault"]]
    link = receipt["hit"][0]
    inside = _within(seen.moments(link, receipt), receipt["began_ns"], receipt["ended_ns"])
    sizes = [one.size for one in inside if one.there and one.size is not None]
    measured = receipt["measured"]
    if kind == "latency":
        ways = 2 if asked.get("direction", "both") == "both" else 1
        return _near(ways * statistics.median(sizes), measured["round_trip_longer_ms"], 0.1, 10, truth)
    if kind == "bandwidth":
        return _near(statistics.median(sizes), measured["rate_bytes_per_s"], 0.3, 0, truth)
    if kind == "fail_first":
        return _near(len([one for one in inside if one.there]), measured["failed_connections"], 0, 1, truth)
    if kind == "corrupt":
        return _damage(seen.links[link], inside, asked, receipt, truth)
    return ""


def _damage(
    link: Link, inside: Sequence[Moment], asked: Mapping[str, Any], receipt: Mapping[str, Any], truth: Truth
) -> str:
    total = sum(
        chunk.size
        for pair in link.pairs
        for up in ways(asked)
        for chunk in pair.chunks(up=up)
        if chunk.out_ns and receipt["began_ns"] <= chunk.in_ns and chunk.out_ns <= receipt["ended_ns"]
    )
    hits, expected = sum(one.size or 0 for one in inside), asked["rate_per_byte"] * total
    truth.off = hits / expected - 1 if expected else None
    if abs(hits - expected) <= 5 * math.sqrt(expected + 1) + 0.1 * expected:
        return ""
    return f"the packets show {hits:.0f} damaged bytes of {total}, where {expected:.0f} were due"


def _near(packets: float, receipt: float, share: float, more: float, truth: Truth) -> str:
    truth.off = receipt / packets - 1 if packets else None
    if abs(packets - receipt) <= share * packets + more:
        return ""
    return f"the packets show {packets:.1f}, the receipt {receipt:.1f}"
