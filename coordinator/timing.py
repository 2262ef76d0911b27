"""Timing advice by fleet size: intervals grow with the fleet, so that the coordinator's load does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wire.settings import CoordinatorSettings

MS: Final = 1_000_000
"""Nanoseconds."""
HEARTBEATS_PER_S: Final = 500
"""Heartbeats of all workers together."""
BACKOFF_BASE_MS: Final = 100
BACKOFF_CAP_LEAST_MS: Final = 400
"""A small fleet could be admitted at once, but shorter retries all through an outage would not help. It is as
short as it is because a sleeping client gets no hint: with a longer one, a thousand workers would sleep
longer than a coordinator needs for all their handshakes.
"""
LEASE_IN_INTERVALS: Final = 3
"""A lease must survive a heartbeat that is late, and one that is lost with its connection."""


@dataclass(frozen=True)
class FleetTiming:
    """Advice to workers, in milliseconds. `cap_ms` = fleet ÷ admission rate, at least BACKOFF_CAP_LEAST_MS:
    with less, workers retry faster than they can be admitted.
    """

    interval_ms: int
    timeout_ms: int
    lease_ms: int
    base_ms: int
    cap_ms: int


def fleet_timing(settings: CoordinatorSettings, fleet: int) -> FleetTiming:
    """Return the timing for `fleet` workers."""
    fleet = max(fleet, settings.fleet, 1)
    interval_ms = max(settings.heartbeat_interval_ms, 1000 * fleet // HEARTBEATS_PER_S)
    slower = interval_ms / settings.heartbeat_interval_ms
    return FleetTiming(
        interval_ms=interval_ms,
        timeout_ms=round(settings.heartbeat_timeout_ms * slower),
        lease_ms=max(settings.lease_ms, LEASE_IN_INTERVALS * interval_ms),
        base_ms=BACKOFF_BASE_MS,
        cap_ms=max(BACKOFF_CAP_LEAST_MS, round(1000 * fleet / settings.admission_per_s)),
    )


def grace_ms(settings: CoordinatorSettings, timing: FleetTiming) -> int:
    """Return how long after a restart attempts are kept for workers that have not reconnected: never less
    than the leases that those may still hold.
    """
    return max(settings.grace_ms, timing.lease_ms)
