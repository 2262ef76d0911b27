"""A scenario in which every kind of fault comes again and again, each on a link or worker of its own."""

from __future__ import annotations

from chaos.catalogue import FAULTS
from chaos.fault import DirectedFault, LinkFault
from tests.captures.views import VIEWS

SPARE = 2
PERIOD_S = 18
LASTS_S = 7
BEGINS_S = 12
# Where these are not the ones of the example; direction alternates by copy.
_PARAMS = {
    "latency": "mean: 100ms",
    "bandwidth": "rate: 64KB/s",
    "fragment": "size: 64B, gap: 10ms",
    "corrupt": "rate: 1e-3",
    "duplicate": "probability: 10%",
    "drop": "probability: 10%",
    "fail_first": "connections: 3",
    "cpu": "cores: 0.3",
    "memory": "limit: 100MiB",
    "truncate": "direction: both",
    **dict.fromkeys(("stall", "blackhole", "reject", "stop", "restart"), ""),
}
_WAYS = ("both", "to_worker", "to_coordinator")
KINDS = tuple(name for name, kind in FAULTS.items() if name in VIEWS or not issubclass(kind, LinkFault))
"""The faults of containers, and the link faults that packets show. A flap's segments are another fault's."""


def write(copies: int, repeat: int) -> str:
    """The scenario's text: `copies` links of each kind, `repeat` faults on each."""
    assert copies > 0, copies
    assert repeat > 0, repeat
    lines = []
    for number in range(copies * len(KINDS)):
        kind, copy = KINDS[number % len(KINDS)], number // len(KINDS)
        parts = [f"id: {kind}-{copy}", f"fault: {kind}", f"targets: {number + 1}"]
        if params := _PARAMS.get(kind, FAULTS[kind].example):
            parts.append(params)
        if issubclass(FAULTS[kind], DirectedFault) and "direction:" not in params:
            parts.append(f"direction: {_WAYS[copy % len(_WAYS)]}")
        # All at once would be a storm of its own.
        parts.append(f"at: {BEGINS_S + number % 8 * 0.6:g}s")
        if FAULTS[kind].lasting:
            parts.append(f"for: {LASTS_S}s")
        if repeat > 1:
            parts += [f"every: {PERIOD_S}s", f"repeat: {repeat}"]
        lines.append(f"  - {{{', '.join(parts)}}}")
    timeline = "\n".join(lines)
    return f"""\
# Every kind of fault, again and again, while packets are captured: receipts are held against them.

workers: {copies * len(KINDS) + SPARE}
duration: {BEGINS_S + repeat * PERIOD_S + 10}s
warmup: 6s

workload:
  rate: 10/s
  kinds:
    - {{kind: sleep, params: {{sleep_ms: 20..200}}}}

timeline:
{timeline}
"""
