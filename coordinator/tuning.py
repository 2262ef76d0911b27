"""How the fleet's size sets the pace: what the welcome advises grows with it, so that the coordinator's load
does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wire.settings import CoordinatorSettings

MS: Final = 1_000_000
"""Nanoseconds."""
HEARTBEATS_PER_S: Final = 500
"""What all workers together may send."""
BACKOFF_BASE_MS: Final = 100
BACKOFF_CAP_LEAST_MS: Final = 400
"""A small fleet could be let in at once, but to knock that often all through an outage would help nobody. It
is as short as it is since a client that sleeps hears no hint: with a longer one, a thousand workers would
sleep for longer than a coordinator needs for all their handshakes.
"""
LEASE_IN_INTERVALS: Final = 3
"""A lease must survive a heartbeat that comes late, and one that is lost with its connection."""


@dataclass(frozen=True)
class FleetTiming:
    """Advice to workers, in milliseconds. `cap_ms` = fleet ÷ admission rate, and BACKOFF_CAP_LEAST_MS at
    least: with less they come faster than they can be let in.
    """

    interval_ms: int
    timeout_ms: int
    lease_ms: int
    base_ms: int
    cap_ms: int


def fleet_timing(settings: CoordinatorSettings, fleet: int) -> FleetTiming:
    """The pace for a fleet of `fleet` workers."""
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
    """How long after a restart attempts are kept for workers that have not come back: never shorter than the
    leases that those may still hold.
    """
    return max(settings.grace_ms, timing.lease_ms)
