"""Hosts whose clocks differ: the journals of a run as its processes would have written them there.

Nothing here uses the code that merges such journals: an instant is found by its name in the JSON of a line.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from driver.histories import events as driver
from driver.histories.history import JournalRead
from driver.histories.host_clock import ClockReading
from driver.histories.journal_kinds import reader_of
from tests.driver.judge.histories import Past
from wire.events import Event

DRIFT_PPM = 200
SECOND_NS = 1_000_000_000
DRIVERS = ("driver", "load", "observer")
"""Journals that the driver writes."""
OF_ANOTHER = {"task_done": {"started_ns": "worker", "ended_ns": "worker"}, "submitted": {"intended_ns": ""}}
"""Instants of a line by another process's clock: the one that this field names; "" is the driver."""


@dataclass
class TrueClock:
    """A host's clock: `offset_ns` from the driver's at `from_ns`, and then faster or slower by `drifts_ppm`,
    each for some seconds.
    """

    offset_ns: int
    from_ns: int
    drifts_ppm: Sequence[int]
    each_s: int = 7
    turns: list[tuple[int, int]] = field(init=False)

    def __post_init__(self) -> None:
        self.turns = [(self.from_ns, self.from_ns + self.offset_ns)]
        for ppm in self.drifts_ppm:
            at_ns, host_ns = self.turns[-1]
            step_ns = self.each_s * SECOND_NS
            self.turns.append((at_ns + step_ns, host_ns + step_ns + step_ns * ppm // 1_000_000))

    def host_ns(self, at_ns: int) -> int:
        """What the host's clock shows at an instant of the driver's."""
        index = max(0, max((i for i, turn in enumerate(self.turns) if turn[0] <= at_ns), default=0))
        began_ns, host_ns = self.turns[index]
        ppm = self.drifts_ppm[min(index, len(self.drifts_ppm) - 1)] if at_ns >= self.from_ns else 0
        return host_ns + (at_ns - began_ns) + (at_ns - began_ns) * ppm // 1_000_000

    def reading(self, at_ns: int, out_ns: int, back_ns: int) -> ClockReading:
        """A round trip that reaches the host at an instant."""
        return ClockReading(at_ns - out_ns, self.host_ns(at_ns), at_ns + back_ns)


def drawn_clock(draw: random.Random, from_ns: int, drift_ppm: int = DRIFT_PPM) -> TrueClock:
    """A clock that differs by minutes, and whose rate changes. No host has been up for less than none."""
    offset_ns = draw.randint(1, 600) * 60 * SECOND_NS + draw.randint(0, SECOND_NS)
    return TrueClock(offset_ns, from_ns, [draw.randint(-drift_ppm, drift_ppm) for _ in range(40)])


def on_hosts(past: Past, seed: int, hosts: int = 3, rtt_us: tuple[int, int] = (200, 900)) -> Past:
    """The same run on some hosts: each process but the driver's is on one, and its journal has that host's
    instants.

    The driver reads each clock once a second, in a round trip of `rtt_us` whose way out may be any part of
    it.
    """
    draw = random.Random(seed)
    every = [event.at_ns for lines in past.lines.values() for event in lines]
    begin_ns, end_ns = min(every), max(every)
    clocks = {f"host-{number}": drawn_clock(draw, begin_ns) for number in range(1, hosts + 1)}
    names = sorted(name for name in past.lines if name not in DRIVERS)
    host_of = {name: f"host-{number % hosts + 1}" for number, name in enumerate(names)}
    moved = Past(len(past.workers))
    moved.lines = {
        name: _moved(sorted(lines, key=lambda event: event.at_ns), name, host_of, clocks)
        for name, lines in past.lines.items()
    }
    written = moved.lines["driver"]
    for host in clocks:
        placed = [name for name, its in host_of.items() if its == host]
        written.append(
            driver.ProcessesPlaced(at_ns=begin_ns, wall_s=0.0, by="driver", host=host, processes=placed)
        )
    for host, clock in clocks.items():
        for at_ns in range(begin_ns + SECOND_NS, end_ns - SECOND_NS, SECOND_NS):
            rtt_ns = draw.randint(*rtt_us) * 1000
            out_ns = draw.randint(0, rtt_ns)
            read = clock.reading(at_ns, out_ns, rtt_ns - out_ns)
            written.append(driver.ClockRead(at_ns=read.answered_ns, wall_s=0.0, by="driver", host=host,
                                            asked_ns=read.asked_ns, host_ns=read.host_ns))  # fmt: skip
    return moved


def journals_of(past: Past) -> dict[str, JournalRead]:
    """The journals of a run, each in the order in which its process wrote it."""
    return {
        name: JournalRead.of(name, sorted(lines, key=lambda event: event.at_ns))
        for name, lines in past.lines.items()
    }


def _moved(
    lines: Sequence[Event], process: str, host_of: Mapping[str, str], clocks: Mapping[str, TrueClock]
) -> list[Event]:
    def clock_of(name: str) -> Callable[[int], int]:
        return clocks[host_of[name]].host_ns if name in host_of else lambda at_ns: at_ns

    made: list[Event] = []
    for event in lines:
        line = msgspec.json.decode(msgspec.json.encode(event))
        others = OF_ANOTHER.get(line["event"], {})
        for name, value in line.items():
            owner = others.get(name, process)
            line[name] = _shifted(value, clock_of(line.get(owner, owner)), is_instant=name.endswith("_ns"))
        read = reader_of(process).event(process, msgspec.json.encode(line))
        assert read is not None, line
        made.append(read)
    return made


def _shifted(value: Any, host_ns: Callable[[int], int], *, is_instant: bool) -> Any:
    if isinstance(value, dict):
        return {
            name: _shifted(one, host_ns, is_instant=is_instant or name.endswith("_ns"))
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [_shifted(one, host_ns, is_instant=is_instant) for one in value]
    return host_ns(value) if is_instant and value else value
