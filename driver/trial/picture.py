"""A picture of a finding: the lanes of the links around its fault, that show what happened when. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from driver.histories.connection_history import ConnectionHistory
from driver.histories.intervals import Interval
from driver.histories.link_connections import LinkJournal
from driver.histories.link_names import pair_of
from driver.histories.link_spans import link_spans

BEFORE_S = 5.0
MOST_LANES = 8
MOST_DIALS = 300
WIDE = 1000
"""Width of a lane in the units of its drawing."""

Span = tuple[float, float]


class LinkLane(msgspec.Struct, frozen=True):
    """One link over time: when it was connected, had by one side alone, and away, and when it was dialled.

    Times are seconds, of the trial's clock or from a fault's begin.
    """

    up: Sequence[Span] = ()
    split: Sequence[Span] = ()
    down: Sequence[Span] = ()
    dials: Sequence[float] = ()

    def between(self, from_s: float, to_s: float, zero_s: float) -> LinkLane:
        """Return the lane of a part of the time, counted from `zero_s`."""

        def cut(spans: Iterable[Span]) -> list[Span]:
            inside = [(max(begin, from_s), min(end, to_s)) for begin, end in spans]
            return [
                (round(begin - zero_s, 3), round(end - zero_s, 3)) for begin, end in inside if begin < end
            ]

        dials = [round(at_s - zero_s, 3) for at_s in self.dials if from_s <= at_s <= to_s]
        return LinkLane(cut(self.up), cut(self.split), cut(self.down), dials[:MOST_DIALS])


class StepPicture(msgspec.Struct, frozen=True):
    """The links around one fault, in seconds from its begin; it was on until `healed_s`. Links by name.

    `hit` are those that the fault was on.
    """

    from_s: float
    healed_s: float
    to_s: float
    lanes: Mapping[str, LinkLane]
    hit: Sequence[str] = ()


@dataclass(frozen=True)
class DrawnLane:
    """One lane as it is drawn: boxes as (class, x, width), and the places of dials, of WIDE."""

    name: str
    boxes: Sequence[tuple[str, float, float]]
    dials: Sequence[float]
    is_hit: bool


@dataclass(frozen=True)
class Drawing:
    """A picture as it is drawn. `fault` is where the fault was on: x and width; `times` are (x, text)."""

    lanes: Sequence[DrawnLane]
    fault: tuple[float, float]
    times: Sequence[tuple[float, str]]


def link_lane(connections: ConnectionHistory, journal: LinkJournal, end_ns: int) -> LinkLane:
    """Return the lane of a link's whole history, up to `end_ns`."""
    spans = link_spans(connections, end_ns)
    return LinkLane(
        _seconds(spans.connected),
        _seconds(spans.one_sided),
        _seconds(spans.away),
        [one.asked_ns / 1e9 for one in journal.connections],
    )


def joined(lanes: Iterable[Mapping[str, LinkLane]]) -> dict[str, LinkLane]:
    """Return the lanes of a system that was started several times, one after the other."""
    found: dict[str, LinkLane] = {}
    for each in lanes:
        for name, one in each.items():
            before = found.get(name, LinkLane())
            found[name] = LinkLane(
                [*before.up, *one.up],
                [*before.split, *one.split],
                [*before.down, *one.down],
                [*before.dials, *one.dials],
            )
    return found


def picture_of(
    lanes: Mapping[str, LinkLane], fault: Span, until_s: float, hit: Sequence[str]
) -> StepPicture | None:
    """Return the picture of a fault that was on for `fault`, up to `until_s`; None without any lane.

    Links in `hit` come first, then those that were away or dialled meanwhile, at most MOST_LANES.
    """
    from_s, begin_s = fault[0] - BEFORE_S, fault[0]
    cut = {name: lane.between(from_s, until_s, begin_s) for name, lane in lanes.items()}
    shown = {name: one for name, one in cut.items() if one.up or one.down or one.split or one.dials}
    hurt = {name for name, one in shown.items() if _is_hurt(one)}
    ordered = sorted(shown, key=lambda name: (name not in hit, name not in hurt, pair_of(name), name))
    if not ordered:
        return None
    return StepPicture(
        round(-BEFORE_S, 3),
        round(fault[1] - begin_s, 3),
        round(until_s - begin_s, 3),
        {name: shown[name] for name in ordered[:MOST_LANES]},
        [name for name in ordered[:MOST_LANES] if name in hit],
    )


def drawing(picture: StepPicture) -> Drawing:
    """Return where everything of a picture is drawn."""
    length_s = max(0.001, picture.to_s - picture.from_s)

    def x(at_s: float) -> float:
        return round((at_s - picture.from_s) / length_s * WIDE, 1)

    def box(kind: str, span: Span) -> tuple[str, float, float]:
        return kind, x(span[0]), max(1.0, round(x(span[1]) - x(span[0]), 1))

    lanes = [
        DrawnLane(
            name,
            [box(kind, span) for kind in ("up", "split", "down") for span in getattr(lane, kind)],
            [x(at_s) for at_s in lane.dials],
            name in picture.hit,
        )
        for name, lane in picture.lanes.items()
    ]
    healed = f", healed after {picture.healed_s:.1f} s" if picture.healed_s >= 0.05 else ""
    times = [(x(0.0), f"fault{healed}"), (float(WIDE), f"{picture.to_s:.0f} s")]
    return Drawing(lanes, box("fault", (0.0, picture.healed_s))[1:], times)


def _is_hurt(lane: LinkLane) -> bool:
    return bool(lane.down or lane.split or any(at_s >= 0 for at_s in lane.dials))


def _seconds(intervals: Iterable[Interval]) -> list[Span]:
    return [(begin / 1e9, end / 1e9) for begin, end in intervals]
