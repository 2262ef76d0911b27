"""Alterations of a generated run: lines cut, doubled, moved, changed or added."""

from __future__ import annotations

import random

from msgspec.structs import replace

from driver.histories import events as driver
from driver.reference import load_events
from tests.driver.judge.histories import BASE_NS, Past
from wire import events as wire
from wire.events import Event

TROUBLES: tuple[tuple[str, type[Event], dict[str, object]], ...] = (
    ("driver", driver.LabTrouble, {"what": "x", "detail": ""}),
    ("driver", driver.Aborted, {"because": "x"}),
    ("driver", load_events.SubmitGivenUp, {"tasks": ["t-1"]}),
    ("worker-1", wire.ReconnectAbandoned, {"reason": "x", "detail": ""}),
)


def alter(past: Past, draw: random.Random) -> None:
    """Do one thing to the lines of one process."""
    name = draw.choice([name for name, lines in past.lines.items() if lines])
    lines = past.lines[name]
    kind = draw.choice(sorted({type(event) for event in lines}, key=lambda kind: kind.__name__))
    place = draw.choice([place for place, event in enumerate(lines) if type(event) is kind])
    line = lines[place]
    what = draw.choice(("cut", "double", "move", "kind", "field", "tail", "trouble"))
    if what == "cut":
        del lines[place]
    elif what == "double":
        lines.append(replace(line, at_ns=line.at_ns + draw.choice((1, 10**8, 10**10))))
    elif what == "move":
        lines[place] = replace(line, at_ns=max(BASE_NS, line.at_ns + draw.randint(-(10**10), 10**10)))
    elif what == "kind":
        past.forget(name, type(line))
    elif what == "field":
        lines[place] = _changed(line, draw)
    elif what == "tail":
        ordered = sorted(lines, key=lambda event: event.at_ns)
        past.lines[name] = ordered[: draw.randrange(len(ordered) // 2, len(ordered))]
    else:
        by, trouble, fields = draw.choice(TROUBLES)
        past.emit(by, trouble, (line.at_ns - BASE_NS) / 1e9, **fields)


def _changed(line: Event, draw: random.Random) -> Event:
    """The line with one number or word of it changed to another plausible one."""
    names = [name for name in line.__struct_fields__ if name not in ("at_ns", "wall_s", "by")]
    name = draw.choice(names) if names else ""
    value = getattr(line, name, None)
    if isinstance(value, bool):
        return replace(line, **{name: not value})
    if isinstance(value, int):
        return replace(line, **{name: max(0, value + draw.choice((-1, 1)))})
    if name == "outcome":
        return replace(
            line, outcome=draw.choice(("completed", "failed", "resumed", "reset", "done", "stopped"))
        )
    if name == "task":
        return replace(line, task=f"t-{draw.randint(1, 5)}")
    if name == "what" or name == "fault":
        return replace(line, **{name: draw.choice(("f-1", "f-2", "altered", "bomb"))})
    if name in ("worker", "session", "kind"):
        return replace(line, **{name: draw.choice(("worker-1", "worker-2", "superseded", str(value)))})
    return line
