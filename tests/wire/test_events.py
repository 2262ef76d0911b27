"""Claims about the journal's lines."""

from __future__ import annotations

import msgspec

from wire.events import Connected, Event, Journal
from wire.task_events import ProcessEvent, TaskDone


def test_every_kind_of_event_is_in_the_union_that_readers_decode() -> None:
    tags = {kind.__struct_config__.tag for kind in ProcessEvent.__args__}
    own = [kind for kind in Event.__subclasses__() if kind.__module__ in ("wire.events", "wire.task_events")]
    assert {kind.__struct_config__.tag for kind in own} == tags


def test_a_line_is_one_json_object_with_its_kind_times_and_author() -> None:
    lines: list[bytes] = []
    journal = Journal("worker-7", lines.append, lambda: 5, lambda: 1.5)
    journal(
        Connected,
        attempt=1, session="s", epoch=1, outcome="fresh", because="", handshake_ms=3.5, replayed=0,
    )  # fmt: skip
    assert lines[0].endswith(b"\n")
    assert lines[0].count(b"\n") == 1
    event = msgspec.json.decode(lines[0], type=ProcessEvent)
    assert (event.by, event.at_ns, event.wall_s) == ("worker-7", 5, 1.5)
    assert b'"event":"connected"' in lines[0]


def test_a_line_with_a_newline_in_a_text_stays_one_line() -> None:
    lines: list[bytes] = []
    Journal("c", lines.append, lambda: 0, lambda: 0.0)(
        TaskDone, task="t", token=1, worker="w", outcome="failed", error="a\nb", attempts=1
    )
    assert lines[0].count(b"\n") == 1
