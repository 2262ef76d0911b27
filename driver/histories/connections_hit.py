"""What doors saw of the connections under a fault: how many were open, ended, and refused. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from driver.histories.history import History
from driver.histories.link_connections import LinkConnection, link_journals
from driver.histories.link_names import is_link
from driver.histories.run_timeline import EARLY_EFFECT_NS, FaultWindow, run_timeline
from driver.nouns import counted


@dataclass(frozen=True)
class ConnectionsHit:
    """The connections on the links under a fault: `open` when it began, `ended` of these by its end and not
    in order, and new ones that were `refused`. `cuts` says that the fault ends connections.
    """

    open: int
    ended: int
    refused: int
    cuts: bool

    @property
    def text(self) -> str:
        """The counts, as the end of a sentence."""
        refused = f"{counted(self.refused, 'new one')} {'was' if self.refused == 1 else 'were'} refused"
        if not self.open:
            nothing = "no connection was open" + (": nothing was there to be cut" if self.cuts else "")
            return f"{nothing}, {refused}" if self.refused else nothing
        ended = f"{self.ended or 'none'} of {counted(self.open, 'open connection')} ended"
        return f"{ended}, {refused}" if self.refused else ended


def connections_hit(history: History, faults: Collection[str]) -> ConnectionsHit | None:
    """Return the connections that the faults with these ids hit; None without a door on a system's link."""
    names = tuple(name for name in history.view(link_journals) if is_link(name))
    windows = [one for one in history.view(run_timeline).faults if one.fault in faults]
    found = [
        (one, reaching)
        for name in names
        if (reaching := [window for window in windows if window.reaches(name, names)])
        for one in history.view(link_journals)[name].connections
    ]
    if not names or not windows:
        return None
    standing = [(one, reaching) for one, reaching in found if _was_open(one, reaching)]
    return ConnectionsHit(
        open=len(standing),
        ended=sum(_ended_under(one, reaching) for one, reaching in standing),
        refused=sum(bool(one.failed) and _is_within(one.asked_ns, reaching) for one, reaching in found),
        cuts=any(window.cuts for window in windows),
    )


def _was_open(one: LinkConnection, windows: Sequence[FaultWindow]) -> bool:
    """Whether a connection was open when a fault began."""
    if one.failed or not one.opened_ns:
        return False
    return any(
        one.opened_ns <= window.began_ns and (not one.client_ended_ns or window.due_ns <= one.client_ended_ns)
        for window in windows
    )


def _ended_under(one: LinkConnection, windows: Sequence[FaultWindow]) -> bool:
    ended_ns = min((at_ns for at_ns in (one.client_ended_ns, one.server_ended_ns) if at_ns), default=0)
    return bool(ended_ns) and not one.is_orderly and _is_within(ended_ns, windows)


def _is_within(at_ns: int, windows: Sequence[FaultWindow]) -> bool:
    return any(
        window.due_ns <= at_ns and (window.ended_ns is None or at_ns <= window.ended_ns + EARLY_EFFECT_NS)
        for window in windows
    )
