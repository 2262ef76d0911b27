"""A made-up prober's journal: links that are well until something is done to them."""

from __future__ import annotations

from dataclasses import dataclass, field

from chaos.prober.events import FellSilent, HeardAgain, LinkSeen, StreamEnded, StreamOpened, Tried
from driver.histories.history import History, JournalRead
from wire.events import Event

S = 1_000_000_000
MS = 1_000_000


@dataclass
class Story:
    """Writes events of `prober` and of other processes, and gives the history that they are."""

    events: list[Event] = field(default_factory=list)
    others: dict[str, list[Event]] = field(default_factory=dict)

    def well(self, link: str, from_s: float, until_s: float, rtt_ms: float = 1.0, **more: int) -> None:
        """A summary each second, with five round trips, and a new connection that is answered."""
        at = from_s
        while at < until_s:
            self.seen(link, at, min(at + 1, until_s), rtt_ms, **more)
            self.tried(link, at + 0.5, "answered")
            at += 1

    def seen(self, link: str, from_s: float, until_s: float, rtt_ms: float = 1.0, **more: int) -> None:
        trips = [150, 300, 450, 600, 750] if rtt_ms else []
        fields = {"sent": 5, "heard": len(trips), "out_bytes": 70, "in_bytes": 50, **more}
        self.add(
            LinkSeen, until_s, link=link, since_ns=round(from_s * S), rtt_at_ms=trips,
            rtt_us=[round(rtt_ms * 1000)] * len(trips), **fields,
        )  # fmt: skip

    def tried(self, link: str, at_s: float, outcome: str, took_ms: float = 1.0, status: int = 0) -> None:
        self.add(Tried, at_s, link=link, outcome=outcome, took_ms=took_ms, status=status)

    def ended(self, link: str, at_s: float, how: str) -> None:
        self.add(StreamEnded, at_s, link=link, how=how, last_heard_ns=round((at_s - 0.1) * S))

    def opened(self, link: str, at_s: float, stream: str = "") -> None:
        self.add(StreamOpened, at_s, link=link, took_ms=1.0, stream=stream)

    def silent(self, link: str, from_s: float, until_s: float, *, whole: bool = True) -> None:
        self.add(FellSilent, from_s + 1.0, link=link, since_ns=round(from_s * S))
        self.add(HeardAgain, until_s, link=link, since_ns=round(from_s * S), held=9, whole=whole)

    def add(self, kind: type[Event], at_s: float, by: str = "prober", /, **fields: object) -> None:
        event = kind(at_ns=round(at_s * S), wall_s=at_s, by=by, **fields)
        (self.events if by == "prober" else self.others.setdefault(by, [])).append(event)

    def history(self) -> History:
        journals = {"prober": self.events, **self.others}
        return History(
            {
                name: JournalRead.of(name, sorted(found, key=lambda event: event.at_ns))
                for name, found in journals.items()
                if found
            }
        )
