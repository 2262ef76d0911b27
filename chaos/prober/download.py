"""Throughput of the direction to the client alone: bytes requested over a connection of their own."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from chaos.prober.connections import MAX_RESPONSE_BYTES, HttpConnection, classify_response, connect
from chaos.prober.settings import ProbedLink
from wire.probe import BYTES_MAX, BYTES_PATH

# A download that takes longer than a window can be is useless.
TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Download:
    """A whole download: its duration, and bytes a second after the first of them. `out_bytes` and `in_bytes`
    are its traffic.
    """

    took_ms: float
    bytes_per_s: int
    out_bytes: int
    in_bytes: int


async def download(at: ProbedLink, size_bytes: int) -> Download | None:
    """Request bytes over a new connection; None where they do not arrive whole."""
    size_bytes = min(size_bytes, BYTES_MAX)
    request = f"GET {BYTES_PATH}{size_bytes} HTTP/1.1\r\nHost: p\r\n\r\n".encode()
    answer = HttpConnection(size_bytes + MAX_RESPONSE_BYTES)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await connect(answer, at)
            asked_ns = time.monotonic_ns()
            answer.send(request)
            await answer.done.wait()
    except (TimeoutError, OSError):
        return None
    finally:
        answer.abort()
    if len(answer.data) < size_bytes or classify_response(bytes(answer.data), answer.how)[0] != "answered":
        return None
    counted, span_ns = len(answer.data) - answer.first_bytes, answer.last_ns - answer.first_ns
    if not counted or span_ns <= 0:
        counted, span_ns = len(answer.data), answer.last_ns - asked_ns
    rate = round(counted * 1e9 / max(1, span_ns))
    return Download((answer.last_ns - asked_ns) / 1e6, rate, len(request), answer.in_bytes)
