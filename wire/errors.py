"""Errors of frames, handshakes and connections, with their codes: every reason for which one is refused."""

from __future__ import annotations

from enum import Enum, IntEnum, StrEnum

import msgspec

DECODE_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that do not decode: its own errors, and Python's for text that is not UTF-8
and for arrays nested too deeply.
"""


class FrameFault(StrEnum):
    """The fault of a frame, and the label under which it is counted."""

    text = "text"
    too_large = "too_large"
    too_short = "too_short"
    version = "version"
    altered = "altered"
    replayed = "replayed"
    reordered = "reordered"
    bomb = "bomb"
    undecodable = "undecodable"
    sequence_gap = "sequence_gap"
    ack_from_future = "ack_from_future"
    framing = "framing"
    flood = "flood"


class FrameError(Exception):
    """An invalid frame. The receiver always does the same: close, reconnect, resume."""

    def __init__(self, fault: FrameFault, detail: str) -> None:
        super().__init__(fault, detail)
        self.fault = fault
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.fault}: {self.detail}"


class CloseCode(IntEnum):
    """WebSocket close codes (RFC 6455 section 7.4; 4000-4999 are for private use)."""

    normal = 1000
    going_away = 1001
    full = 1013
    bad_frame = 4001
    superseded = 4002
    heartbeat_timeout = 4003
    draining = 4004


class RefusalReason(Enum):
    """Why a handshake is refused: (name, HTTP status, whether a retry can never succeed)."""

    damaged = ("damaged", 400, False)
    bad_key = ("bad_key", 401, True)
    stranger = ("stranger", 403, True)
    replayed = ("replayed", 409, False)
    superseded = ("superseded", 409, False)
    clock = ("clock", 425, False)
    version = ("version", 426, True)
    full = ("full", 503, False)
    draining = ("draining", 503, False)

    def __init__(self, label: str, status: int, terminal: bool) -> None:
        self.label = label
        self.status = status
        self.terminal = terminal
