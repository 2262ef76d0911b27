"""A door's journal made by hand: a few words for each connection."""

from __future__ import annotations

from collections.abc import Sequence

from driver.histories import link_events as door
from driver.histories.link_events import CLIENT, CLOSED, DOOR, FIN, PingTrips, StreamOfSide
from tests.driver.judge.histories import Past, ns

LINK, RAW = "api[1]->db:5432", "api->db:5432@10.236.0.3"
PROCESS = "door-db"


def side(
    first_s: float = 0,
    last_s: float = 0,
    ended_s: float = 0,
    how: str = "",
    *,
    code: int = 0,
    rtt_us: Sequence[int] = (),
) -> StreamOfSide:
    """What one side sent between two times, and its end."""
    trips = PingTrips(len(rtt_us), len(rtt_us), 1, 1, 1, 0, list(rtt_us)) if rtt_us else None
    first_ns, last_ns, ended_ns = (ns(at) if at else 0 for at in (first_s, last_s, ended_s))
    return StreamOfSide(10 * bool(first_s), first_ns, last_ns, ended_ns, how, code, trips)


class DoorPast(Past):
    """A run with one door, whose journal the methods write. Times are seconds since the run's begin."""

    def __init__(self, process: str = PROCESS) -> None:
        super().__init__(workers=0)
        self.process = process
        self.connections = 0
        self.start(process, 0.0, role="toxiproxy")

    def named(self, at_s: float = 0.1, raw: str = RAW, link: str = LINK) -> None:
        """The door learns a link's name."""
        self.emit(self.process, door.LinkNamed, at_s, link=raw, name=link)

    def opened(self, at_s: float, link: str = RAW, took_s: float = 0.001) -> int:
        """A connection is joined, asked for a moment before. Returns its number."""
        self.connections += 1
        self.emit(
            self.process,
            door.ConnectionOpened,
            at_s,
            link=link,
            connection=self.connections,
            asked_ns=ns(at_s - took_s),
            dialling_ns=ns(at_s - took_s),
            dialled_ns=ns(at_s),
        )
        return self.connections

    def seen(self, at_s: float, number: int, client: StreamOfSide, server: StreamOfSide) -> None:
        """A line of an open connection."""
        fields = {"link": RAW, "connection": number, "opened_ns": 1, "client": client, "server": server}
        self.emit(self.process, door.ConnectionSeen, at_s, **fields)

    def ended(
        self,
        at_s: float,
        number: int,
        client: StreamOfSide,
        server: StreamOfSide,
        by: str = CLIENT,
        how: str = FIN,
        link: str = RAW,
    ) -> None:
        """The last line of a connection."""
        fields = {"link": link, "connection": number, "opened_ns": 1, "client": client, "server": server}
        self.emit(self.process, door.ConnectionEnded, at_s, **fields, ended_by=by, how=how)

    def carried(
        self,
        from_s: float,
        to_s: float,
        by: str = DOOR,
        how: str = FIN,
        *,
        silent_s: float = 0.0,
        link: str = RAW,
    ) -> None:
        """A connection that carries bytes at once, both sides of which end at one time.

        Nothing came from the server in the last `silent_s`.
        """
        number = self.opened(from_s, link)
        client_how, server_how = (how, CLOSED) if by == CLIENT else (CLOSED, how)
        client = side(from_s + 0.001, to_s - 0.2 if silent_s else to_s - 0.3, to_s, client_how)
        server = side(from_s + 0.002, to_s - max(silent_s, 0.25), to_s, server_how)
        self.ended(to_s, number, client, server, by, how, link)

    def failed(self, at_s: float, why: str = "closed", link: str = RAW) -> None:
        """A connection that was refused at once."""
        self.emit(
            self.process,
            door.ConnectionFailed,
            at_s,
            link=link,
            asked_ns=ns(at_s) - 1_000_000,
            dialling_ns=0,
            why=why,
            detail="",
        )
