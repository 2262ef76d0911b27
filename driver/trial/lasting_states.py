"""States in which a system stayed for a whole wait: one that recurs is recognised sooner. Pure."""

from __future__ import annotations

from driver.trial.recovery import SystemRecovery

RECOGNISED_S = 8.0
"""How long a state must last unchanged, without an attempt to connect, to be one that lasted before."""

_State = tuple[object, ...]


class LastingStates:
    """States of a system that is not as before, by what is not, with the step that first showed each."""

    def __init__(self) -> None:
        self._steps: dict[_State, str] = {}

    def add(self, found: SystemRecovery, step: str) -> None:
        """Keep the state that a step left for the whole wait; that of an earlier step stays."""
        self._steps.setdefault(_state(found), step)

    def step(self, found: SystemRecovery) -> str:
        """Return the step that first showed this state; "" where none did."""
        return self._steps.get(_state(found), "")


class StateWatch:
    """Recognises a lasting state in looks after one fault."""

    def __init__(self, lasting: LastingStates) -> None:
        self._lasting = lasting
        self._now: _State = ()
        self._since_s = 0.0

    def recognised(self, found: SystemRecovery, at_s: float) -> str:
        """Return the step that first showed the state that has lasted until now; "" where none did, where it
        has not lasted, or where a client dials on one of its links meanwhile.
        """
        now = (_state(found), tuple(found.links[name].attempts for name in found.dead_links()))
        if now != self._now:
            self._now, self._since_s = now, at_s
        return self._lasting.step(found) if at_s - self._since_s >= RECOGNISED_S else ""


def _state(found: SystemRecovery) -> _State:
    """Return what is not as before, without numbers."""
    links = tuple((name, bool(found.links[name].connections)) for name in found.dead_links())
    answered = found.requests is None or found.requests.after_s is not None
    return links, tuple(sorted(found.troubles.items())), answered
