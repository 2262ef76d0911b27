"""Anchors: the byte, frame, text, answer or connection on a link at which a fault begins, in place of a time.

    {link: worker->broker, bytes: 1200, direction: to_server}      after the 1200th byte
    {link: worker->broker, frame: 3, before: true}                 before the third WebSocket frame
    {link: api->db, pattern: COMMIT, connection: 2}                on the second connection from now on
    {link: api->db, response: 1, before: true}                     before the server's first answer
    {link: api->db, connection: 2}                                 when the second connection opens

A door counts from when it is given the anchor; of a connection that opens later, from its first byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from chaos.directions import Direction, LinkEnds
from chaos.explain import shown
from chaos.model import Strict
from chaos.unit_types import Seconds

MAX_PATTERN_BYTES = 256
MAX_COUNT = 10**12
WITHIN_S = 10.0


class AnchorKind(StrEnum):
    """What is counted on a link."""

    bytes = "bytes"
    frame = "frame"
    pattern = "pattern"
    response = "response"
    connection = "connection"


_Count = Annotated[int | None, Field(ge=1, le=MAX_COUNT)]


class AnchorPoint(Strict):
    """One point in what passes a link; a door strikes there by itself."""

    bytes: Annotated[_Count, Field(description="the byte of this number in one direction")] = None
    frame: Annotated[_Count, Field(description="the WebSocket frame of this number in one direction")] = None
    pattern: Annotated[
        str | None,
        Field(
            min_length=1,
            description="the last byte of this text in one direction; of a WebSocket, in a frame's payload",
        ),
    ] = None
    occurrence: Annotated[int, Field(ge=1, le=MAX_COUNT, description="which occurrence of `pattern`")] = 1
    response: Annotated[
        _Count,
        Field(description="the first byte of the server's answer of this number: after the client's turn"),
    ] = None
    connection: Annotated[
        _Count,
        Field(
            description="the connection of this number among those that open from now on; alone, the moment "
            "at which it opens, before its first byte"
        ),
    ] = None
    direction: Annotated[
        Direction | None,
        Field(
            description="the direction in which bytes, frames or a pattern are counted: to_coordinator (the "
            "default) or to_worker, of a system to_server or to_client"
        ),
    ] = None
    before: Annotated[
        bool,
        Field(description="begin before the byte passes, of a frame before its first one; else right after"),
    ] = False

    _COUNTED: ClassVar = (AnchorKind.bytes, AnchorKind.frame, AnchorKind.pattern, AnchorKind.response)

    @field_validator("pattern")
    @classmethod
    def _pattern_is_bounded(cls, value: str | None) -> str | None:
        if value is not None and len(value.encode()) > MAX_PATTERN_BYTES:
            raise ValueError(f"expected at most {MAX_PATTERN_BYTES} bytes; found {len(value.encode())}")
        return value

    @model_validator(mode="after")
    def _is_one_point(self) -> Self:
        counted = [kind.value for kind in self._COUNTED if getattr(self, kind.value) is not None]
        if len(counted) > 1 or not (counted or self.connection):
            what = " and ".join(counted) if counted else "none"
            raise ValueError(
                f"expected one of bytes, frame, pattern, response, or connection alone; found {what}"
            )
        if self.occurrence != 1 and self.pattern is None:
            raise ValueError("`occurrence` needs `pattern`")
        if self.before and not counted:
            raise ValueError(
                "`before` needs bytes, frame, pattern or response: no byte passes before the begin"
            )
        directed = self.pattern is not None or self.bytes is not None or self.frame is not None
        if self.direction is not None and not directed:
            raise ValueError(f"`direction` needs bytes, frame or pattern, not {self.kind.value}")
        if self.direction is Direction.both:
            raise ValueError(f"expected one direction; found {shown(self.direction.value)}")
        return self

    @property
    def kind(self) -> AnchorKind:
        """What is counted."""
        counted = (kind for kind in self._COUNTED if getattr(self, kind.value) is not None)
        return next(counted, AnchorKind.connection)

    @property
    def number(self) -> int:
        """The number of what is counted: of the byte, frame, occurrence, answer or connection."""
        if self.kind is AnchorKind.pattern:
            return self.occurrence
        found = getattr(self, self.kind.value)
        assert isinstance(found, int)
        return found

    @property
    def stream(self) -> Direction:
        """The direction in which it is counted; a connection opens with what its client sends."""
        if self.kind is AnchorKind.response:
            return Direction.to_client
        return self.direction or Direction.to_server

    def text(self, link: str) -> str:
        """Return the point in words, with a link's names of directions: `after byte 9 to_server`."""
        when = "before" if self.before else "after"
        way = LinkEnds.of(link).name(self.stream)
        on = f" of connection {self.connection}" if self.connection is not None else ""
        if self.kind is AnchorKind.connection:
            return f"at connection {self.number}"
        if self.kind is AnchorKind.response:
            return f"{when} answer {self.number}{on}"
        if self.kind is AnchorKind.pattern:
            which = "" if self.occurrence == 1 else f" number {self.occurrence}"
            return f"{when} {self.pattern!r}{which} {way}{on}"
        noun = "byte" if self.kind is AnchorKind.bytes else "frame"
        return f"{when} {noun} {self.number} {way}{on}"


class AnchorEntry(AnchorPoint):
    """The anchor of a timeline's entry: the link on which it counts, and how long it may take."""

    link: Annotated[
        Any,
        Field(
            description="the link on which it counts, a selection as for targets; of several the first one "
            "that gets there; without it the fault's own targets"
        ),
    ] = None
    within_s: Annotated[
        Seconds,
        Field(
            gt=0,
            le=86_400,
            description="how long it may take from `at`; one that never comes is inconclusive",
        ),
    ] = WITHIN_S

    @property
    def point(self) -> AnchorPoint:
        """The point alone."""
        return AnchorPoint(**{name: getattr(self, name) for name in AnchorPoint.model_fields})


@dataclass(frozen=True)
class Anchor:
    """An anchor with its links: the first of them to get to the point."""

    links: tuple[str, ...]
    point: AnchorPoint

    @property
    def text(self) -> str:
        """The anchor in words: `after frame 3 to_coordinator on worker-7`."""
        return f"{self.point.text(self.links[0])} on {links_text(self.links)}"


@dataclass(frozen=True)
class Strike:
    """Where and when an anchor was reached, by the door that counted. `at_ns` is CLOCK_MONOTONIC.

    `passed_bytes` of the stream had passed, counted from the connection's first one; `frame` is the number of
    its WebSocket frame there, 0 without frames. `opened` is the connection's number among those that opened
    since the anchor was armed (0: it was open), and `connection` that in the door's journal (0 without one).
    `exact`: the bytes before had left the door when the fault began. `by_door`: the door began the fault
    itself, else the driver.
    """

    link: str
    direction: Direction
    passed_bytes: int
    frame: int
    opened: int
    connection: int
    exact: bool
    at_ns: int
    by_door: bool = True

    @property
    def text(self) -> str:
        """Where it struck, in words: `after 1200 bytes to_server of connection 2 on api->db:5432`."""
        way = LinkEnds.of(self.link).name(self.direction)
        which = f"connection {self.opened}" if self.opened else "a connection that was open"
        frame = f" (frame {self.frame})" if self.frame else ""
        late = "" if self.exact else ", some of which were still on their way"
        return f"after {self.passed_bytes} bytes{frame} {way} of {which} on {self.link}{late}"


def links_text(links: Sequence[str]) -> str:
    """Return some links for a sentence: the first alone, and how many more there are."""
    more = f" or one of {len(links) - 1} more" if len(links) > 1 else ""
    return f"{links[0]}{more}"


def door_of(link: str) -> str:
    """Return the name of the door that a link passes: its server's, or "" of the reference lab's only one."""
    return link.partition("->")[2].rpartition(":")[0]
