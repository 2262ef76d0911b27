"""What the core knows of a connection while it stands, and forgets with it."""

from __future__ import annotations

from typing import Final

from wire.handshake import Welcome
from wire.messages import Heartbeat as Beat
from wire.messages import Inventory, LeasesRenewed, Leaving, Message
from worker.attempts import Attempts
from worker.heartbeat import Heartbeat
from worker.phi import PhiAccrual

_MS: Final = 1_000_000


class Standing:
    """A connection since its welcome. The inventory is due first, and the first heartbeat with it.

    `lease_from_ns` is an instant at or before which the coordinator sent what comes in now: leases that begin
    with an assignment are counted from it, so that travelling time can only shorten them here.
    """

    def __init__(
        self, now_ns: int, dialled_ns: int, welcome: Welcome, first_gap: float, *, adaptive: bool,
        leaving: bool,
    ) -> None:  # fmt: skip
        interval_ms, timeout_ms = welcome.heartbeat_interval_ms, welcome.heartbeat_timeout_ms
        self._heartbeat = Heartbeat(
            now_ns, interval_ms, timeout_ms, first_gap, PhiAccrual() if adaptive else None
        )
        self._heartbeat.beat(now_ns)
        self._since_ns = now_ns
        self._inventory_due = True
        self._leaving_due = leaving
        self.welcome = welcome
        self.lease_from_ns = dialled_ns
        self.going_away = False

    def heard(self, now_ns: int) -> None:
        """A whole frame came in."""
        self._heartbeat.heard(now_ns)

    def answered(self, now_ns: int, answer: LeasesRenewed) -> None:
        """A heartbeat's answer came in. What it echoes is our own clock, but it is not for others to set
        it.
        """
        self._heartbeat.answered(now_ns)
        self.lease_from_ns = max(self.lease_from_ns, min(answer.echo_ns, now_ns))

    def leave(self) -> None:
        """A drain begins: say so with the next frame."""
        self._leaving_due = True

    def silent_ms(self, now_ns: int) -> float:
        """How long nothing was heard."""
        return (now_ns - self._heartbeat.heard_ns) / _MS

    def lived_ns(self, now_ns: int) -> int:
        """How long the connection stands."""
        return now_ns - self._since_ns

    def is_dead(self, now_ns: int, late_ns: int) -> bool:
        """Look at the clock, `late_ns` later than was meant: True once the link is silent for too long."""
        if late_ns > 0:
            self._heartbeat.excuse(late_ns)
        silent_at_ns = self._heartbeat.silent_at_ns()
        if silent_at_ns is not None and now_ns >= silent_at_ns:
            return True
        self._heartbeat.beat(now_ns)
        return False

    def deadline_ns(self) -> int:
        """When to look again."""
        return self._heartbeat.deadline_ns()

    @property
    def has_something_due(self) -> bool:
        """Whether `due` would give something."""
        return self._inventory_due or self._leaving_due or self._heartbeat.due

    def due(self, now_ns: int, attempts: Attempts) -> tuple[Message, ...]:
        """What goes in front of the next frame: the inventory on a new connection, that we leave, a
        heartbeat when its time came.
        """
        messages: list[Message] = []
        if self._inventory_due:
            self._inventory_due = False
            messages.append(Inventory(attempts.held()))
        if self._leaving_due:
            self._leaving_due = False
            messages.append(Leaving())
        if self._heartbeat.due:
            self._heartbeat.due = False
            messages.append(Beat(now_ns, self.welcome.heartbeat_interval_ms, attempts.progress()))
        return tuple(messages)
