"""Decides, from one look after the other at a system's containers, which of them are not ready yet."""

from __future__ import annotations

from collections.abc import Sequence

from driver.systems.replicas import Replica

STEADY_S = 2.0
"""How long a container without a health check must run before it is ready."""
RESTARTED_STEADY_S = 10.0
"""The same for one that was restarted: as long as the engine itself takes for a start that succeeded."""


class Readiness:
    """Holds since when each container runs without a restart."""

    def __init__(self) -> None:
        self._since: dict[str, tuple[int, float]] = {}

    def waiting(self, found: Sequence[Replica], now_s: float) -> list[Replica]:
        """Return the containers that are not ready at `now_s`, in order."""
        return [one for one in found if not self._is_steady(one, now_s)]

    def _is_steady(self, one: Replica, now_s: float) -> bool:
        if not one.is_ready:
            self._since.pop(one.id, None)
            return False
        if one.exit_code is not None or one.health:
            return True
        restarts, since_s = self._since.get(one.id, (one.restarts, now_s))
        if restarts != one.restarts:
            since_s = now_s
        self._since[one.id] = (one.restarts, since_s)
        return now_s - since_s >= (RESTARTED_STEADY_S if one.restarts else STEADY_S)
