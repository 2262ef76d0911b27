"""Events are passed on in order of time, also where one journal takes longer to read than another."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from driver.dashboard.tail import MAX_FILE_BYTES
from driver.reference.dashboard.feed import Feed
from wire import events
from wire.events import Event

FILLED = "x" * 900


def line(event: Event) -> bytes:
    return msgspec.json.encode(event) + b"\n"


def attempt(by: str, at_s: int) -> bytes:
    return line(events.Connecting(at_ns=at_s * 10**9, wall_s=float(at_s), by=by, attempt=at_s))


LONG = {
    "lines that are shown": line(
        events.ConnectionLost(
            at_ns=10**9, wall_s=1.0, by="worker-1", session="s", kind="closed", detail=FILLED, silent_ms=0.0
        )
    ),
    "lines of an unknown version": b'{"event":"of another version","detail":"' + FILLED.encode() + b'"}\n',
}


@pytest.mark.parametrize("long", LONG.values(), ids=LONG)
def test_nothing_is_read_before_what_came_earlier_in_a_longer_journal(long: bytes, tmp_path: Path) -> None:
    count = 2 * MAX_FILE_BYTES // len(long)
    (tmp_path / "worker-1.jsonl").write_bytes(long * count + attempt("worker-1", 2))
    (tmp_path / "worker-2.jsonl").write_bytes(attempt("worker-2", 3))
    feed = Feed(tmp_path)
    attempts: list[list[str]] = []
    while True:
        more = feed.step(10**18, 0.0, is_live=False)
        attempts.append([name for name, worker in feed.model.workers.items() if worker.attempt])
        if not more:
            break
    assert len(attempts) > 1
    assert all(found == [] for found in attempts[:-1])
    assert attempts[-1] == ["worker-1", "worker-2"]
