"""Events of a door's journal, written by chaos/toxiproxy/internal/journal: each connection of each link.

Times are monotonic nanoseconds, and 0 where something did not happen. Links have Toxiproxy's names.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from wire.events import Event
from wire.limits import Text

MAX_ROUND_TRIPS = 64
"""Round trips in one line, at most; the door writes fewer."""

CLIENT, SERVER, DOOR = "client", "server", "door"
"""What ended a connection; DOOR: a fault, or the end of the link."""
FIN, RST, TIMEOUT, CLOSED = "fin", "rst", "timeout", "closed"
"""How a side ended; TIMEOUT: the kernel gave up, CLOSED: the door closed it, because the other side had ended
or by a fault.
"""


class PingTrips(msgspec.Struct, frozen=True):
    """The pings that one side of a WebSocket sent. `waiting_ns` is when the oldest without an answer came.

    A round trip is from the ping's arrival at the door to that of its pong. The median is that of the last
    64; `rtt_us` are the newest ones that no earlier line has.
    """

    sent: int
    answered: int
    min_us: int
    median_us: int
    max_us: int
    waiting_ns: int
    rtt_us: Annotated[list[int], msgspec.Meta(max_length=MAX_ROUND_TRIPS)]


class StreamOfSide(msgspec.Struct, frozen=True):
    """What one side sent, as it came to the door, and its end. `close_code` is 0 without a close frame."""

    bytes: int
    first_ns: int
    last_ns: int
    ended_ns: int
    how: Text
    close_code: int = 0
    pings: PingTrips | None = None


class LinkNamed(Event, tag="link_named", frozen=True):
    """Link `link` of the door has the name `name` in the system from now on."""

    link: Text
    name: Text


class ConnectionOpened(Event, tag="connection_opened", frozen=True):
    """A connection is joined to its server's. It was accepted at `asked_ns`, and dialled until `dialled_ns`;
    both are 0 on a link that is no pair's. `connection` is its number in this process's life.
    """

    link: Text
    connection: int
    asked_ns: int
    dialling_ns: int
    dialled_ns: int


class ConnectionFailed(Event, tag="connection_failed", frozen=True):
    """A connection was accepted at `asked_ns` and not carried.

    `why`: closed (its link takes none), busy (something kept its link locked), full (too many connections are
    open at the door), refused, timeout, unreachable, other (the dial, with `detail`).
    """

    link: Text
    asked_ns: int
    dialling_ns: int
    why: Text
    detail: Text


class ConnectionAnswered(Event, tag="connection_answered", frozen=True):
    """The first HTTP status that the server sent; `websocket`: a WebSocket follows."""

    link: Text
    connection: int
    status: int
    websocket: bool


class ConnectionSeen(Event, tag="connection_seen", frozen=True):
    """A connection that is open, so far; at most once a second, when something changed."""

    link: Text
    connection: int
    opened_ns: int
    client: StreamOfSide
    server: StreamOfSide
    ended_by: Text = ""
    how: Text = ""


class ConnectionEnded(Event, tag="connection_ended", frozen=True):
    """Both sides of a connection have ended. `ended_by` is what ended it first: CLIENT, SERVER or DOOR."""

    link: Text
    connection: int
    opened_ns: int
    client: StreamOfSide
    server: StreamOfSide
    ended_by: Text
    how: Text


class FaultStruck(Event, tag="fault_struck", frozen=True):
    """A fault with an anchor begins by itself, once `bytes` of what `side` sent on a connection have passed.

    `frame` is the number of its WebSocket frame there (0: none). `exact`: those bytes had left the door.
    """

    link: Text
    connection: int
    fault: Text
    side: Text
    bytes: int
    frame: int
    exact: bool


class LinesOmitted(Event, tag="lines_omitted", frozen=True):
    """Lines of a link that are not in the journal, because too many came: their number by event kind."""

    link: Text
    counts: Annotated[dict[Text, int], msgspec.Meta(max_length=100)]


DoorEvent = (
    LinkNamed | ConnectionOpened | ConnectionFailed | ConnectionAnswered | ConnectionSeen | ConnectionEnded
    | LinesOmitted | FaultStruck
)  # fmt: skip
