"""A storm without its policy: when each client detected the loss, when attempts could succeed, how long they
took. Pure.

A what-if keeps this of the history, and draws the delays between the attempts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from driver.forensics.policies import Numbers
from driver.forensics.settings import (
    RESUMES_FASTER,
    client_settings,
    server_settings,
    server_settings_known,
)
from driver.histories.connection_history import LOSS, ConnectionAttempt, Outage
from driver.histories.history import History
from driver.metrics.storm import ReconnectStorm, storms
from wire.events import Connected

CONNECTED, REFUSED_BY_SERVER = "connected", "status"
_NOT_THE_LINK = (CONNECTED, REFUSED_BY_SERVER)
USUAL_S = 0.005
"""The duration of an attempt where the history has none of its kind."""
MAX_STORMS = 4
_COSTS_KEPT = 512


@dataclass(frozen=True)
class StormModel:
    """One storm. Times are seconds from the fault's begin, one for each outage.

    `knew_s` is when the client detected the loss, `opens_s` from when on an attempt could succeed, `healed_s`
    the fault's end. `failing_s` and `handshake_s` are the durations of failed and successful attempts. Where
    attempts hung until the heal, `hung_s` is how long after it each ended, and `hung_through` whether it
    succeeded; else both are empty. Clients in `resumes` are admitted by the faster lane: `rate_per_s`, after
    `burst` at once.
    """

    fault: str
    healed_s: float
    knew_s: Numbers
    opens_s: Numbers
    resumes: NDArray[np.bool_]
    failing_s: Numbers
    handshake_s: Numbers
    hung_s: Numbers
    hung_through: NDArray[np.bool_]
    rate_per_s: float
    burst: int

    def __len__(self) -> int:
        return len(self.knew_s)


def storm_models(history: History) -> list[StormModel]:
    """Return the largest storms that a what-if can simulate: healed, with clients that kept running."""
    told = [model for storm in history.view(storms) if (model := _model(history, storm)) is not None]
    return sorted(told, key=lambda model: -len(model))[:MAX_STORMS]


def admission_is_known(history: History) -> bool:
    """Return whether the history has the server's admission rate (else the default counts)."""
    return server_settings_known(history)


def _model(history: History, storm: ReconnectStorm) -> StormModel | None:
    outages = [outage for outage in storm.outages if outage.how == LOSS]
    begin_ns, healed_ns = storm.window.began_ns, storm.window.ended_ns
    if not outages or healed_ns is None:
        return None
    settings = server_settings(history)
    attempts = [attempt for outage in outages for attempt in outage.attempts if attempt.ended_ns]
    hung = [one for one in attempts if _hung(one, healed_ns)]
    whole = [one for one in attempts if not _hung(one, healed_ns)]
    failing = [_took_s(one) for one in whole if one.kind not in _NOT_THE_LINK]
    standing = [_took_s(one) for one in whole if one.kind == CONNECTED]
    if hung and not failing:
        # All attempts hung: each would have lasted for the worker's connect timeout.
        failing = [client_settings(history).connect_timeout_ms / 1e3]
    return StormModel(
        fault=storm.window.fault,
        healed_s=(healed_ns - begin_ns) / 1e9,
        knew_s=_seconds([outage.lost_ns - begin_ns for outage in outages]),
        opens_s=_seconds([_opens_ns(outage, healed_ns) - begin_ns for outage in outages]),
        resumes=np.array([outage.back is None or outage.back.outcome == "resumed" for outage in outages]),
        failing_s=_costs(failing),
        handshake_s=_costs(standing or _first_handshakes_s(history)),
        hung_s=_seconds([one.ended_ns - healed_ns for one in hung]),
        hung_through=np.array([one.kind == CONNECTED for one in hung], dtype=np.bool_),
        rate_per_s=settings.admission_per_s * RESUMES_FASTER,
        burst=settings.admission_burst * RESUMES_FASTER,
    )


def _opens_ns(outage: Outage, healed_ns: int) -> int:
    """Return from when on an attempt could succeed: the heal, or later while attempts failed, or earlier."""
    failed = [one.began.at_ns for one in outage.attempts if one.kind not in ("", *_NOT_THE_LINK)]
    came_early = outage.back_ns is not None and outage.back_ns <= healed_ns
    return max([outage.lost_ns if came_early else healed_ns, *(at_ns + 1 for at_ns in failed)])


def _first_handshakes_s(history: History) -> list[float]:
    """Return the durations of the run's first handshakes, before any fault."""
    return [
        event.handshake_ms / 1e3
        for event in history.of(Connected)[: 2 * len(history.clients)]
        if event.outcome == "fresh"
    ]


def _hung(attempt: ConnectionAttempt, healed_ns: int) -> bool:
    return attempt.began.at_ns < healed_ns <= attempt.ended_ns


def _took_s(attempt: ConnectionAttempt) -> float:
    return max(0.0, (attempt.ended_ns - attempt.began.at_ns) / 1e9)


def _costs(took_s: list[float]) -> Numbers:
    ordered = np.sort(np.array(took_s or [USUAL_S], dtype=np.float64))
    kept: Numbers = ordered[np.linspace(0, len(ordered) - 1, min(len(ordered), _COSTS_KEPT)).astype(int)]
    return kept


def _seconds(spans_ns: list[int]) -> Numbers:
    return np.array(spans_ns, dtype=np.float64) / 1e9
