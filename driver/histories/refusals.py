"""Refusals of the server: those with an event, and those that RefusalsOmitted counts instead."""

from __future__ import annotations

from driver.histories.history import History
from driver.histories.server_events import client_of
from wire.events import Event, RefusalsOmitted


def refused(history: History, kind: type[Event], until_ns: int | None = None) -> int:
    """Return the number of refusals of one kind, at most until `until_ns` where it is given."""
    tag = str(kind.__struct_config__.tag)
    omitted = [one for one in history.of(RefusalsOmitted) if one.kind == tag]
    end_ns = history.end_ns if until_ns is None else until_ns
    written = sum(1 for one in history.of(kind) if one.at_ns <= end_ns)
    return written + sum(one.count for one in omitted if one.at_ns <= end_ns)


def omitted_of(history: History, kind: type[Event], client: str) -> int:
    """Return the number of refusals of one kind without an event that may concern `client`."""
    tag = str(kind.__struct_config__.tag)
    omitted = history.of(RefusalsOmitted)
    return sum(one.count for one in omitted if one.kind == tag and client_of(one) in ("", client))
