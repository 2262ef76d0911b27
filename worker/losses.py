"""How dialling and connections fail, in the journal's words."""

from __future__ import annotations

import msgspec

from wire.handshake import Refusal
from wire.refusals import CloseCode, FrameFault

SEQUENCE_FAULTS = (FrameFault.sequence_gap, FrameFault.ack_from_future)
"""Faults after which the session's numbers themselves disagree: resuming it would fail the same way for
ever.
"""

_KIND_BY_CODE = {
    CloseCode.going_away: "going_away",
    CloseCode.full: "going_away",
    CloseCode.draining: "going_away",
    CloseCode.bad_frame: "bad_frame",
    CloseCode.superseded: "superseded",
    CloseCode.heartbeat_timeout: "heartbeat_timeout",
}
_KIND_BY_NUMBER = {int(code): kind for code, kind in _KIND_BY_CODE.items()}


class Failure(msgspec.Struct, frozen=True):
    """Why dialling led to no session; `kind` as in events.ConnectFailed."""

    kind: str
    detail: str
    status: int = 0
    refusal: Refusal | None = None


def kind_of_loss(kind: str, code: int, *, going_away: bool) -> str:
    """The kind of events.Lost for a connection that ended by a FIN or close frame (`closed`) or an RST
    (`reset`).

    A close frame's code says more, and so does an announcement that the coordinator goes away.
    """
    return _KIND_BY_NUMBER.get(code) or ("going_away" if going_away else kind)
