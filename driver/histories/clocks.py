"""The clocks of a run's hosts: which process runs on which host, and each host's clock. Pure.

The driver's own clock is the reference. A run on one host has no other: its offset is 0 and its bound 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from driver.histories.events import ClockRead, HostLost, ProcessesPlaced
from driver.histories.host_clock import ClockReading, Estimate, HostClock
from wire.events import Event

Skew = Mapping[str, Estimate]
"""One way in which the clocks of hosts can be, within their bounds. Hosts without an entry are nominal."""
NO_SKEW: Skew = {}


@dataclass(frozen=True)
class Clocks:
    """`host_of` maps processes to hosts, and `by_host` has each host's clock; the driver is on none. Of hosts
    in `unread` no clock was read; those in `lost` stopped answering.
    """

    host_of: Mapping[str, str] = field(default_factory=dict)
    by_host: Mapping[str, HostClock] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    def of(self, process: str) -> HostClock | None:
        """Return the clock of a process's host; None where it is the driver's."""
        return self.by_host.get(self.host_of.get(process, ""))

    def share(self, process: str, other: str) -> bool:
        """Whether two processes have one clock."""
        return self.host_of.get(process) == self.host_of.get(other)

    def skews(self) -> list[Skew]:
        """Return ways in which the clocks can be, so that of any two hosts each is late while the other is
        early.

        Two facts about instants of two hosts differ between the ways that the bounds allow only if they
        differ between two of these: 2 + 2 log₂ of the number of hosts.
        """
        hosts = sorted(self.by_host)
        if not hosts:
            return []
        ways = [dict.fromkeys(hosts, Estimate.earliest), dict.fromkeys(hosts, Estimate.latest)]
        for bit in range((len(hosts) - 1).bit_length()):
            is_late = {host: bool(number >> bit & 1) for number, host in enumerate(hosts)}
            for late in (True, False):
                ways.append(
                    {host: Estimate.latest if is_late[host] is late else Estimate.earliest for host in hosts}
                )
        return list(ways)

    def trouble(self) -> list[str]:
        """Return why what hosts recorded cannot be compared, a sentence each; none where they can."""
        found = [f"the host {host} stopped answering in the run" for host in self.lost]
        found += [f"the clock of {host} was never read" for host in self.unread]
        for host, clock in self.by_host.items():
            for jump in clock.jumps[:1]:
                found.append(
                    f"the clock of {host} jumped by {jump.by_ns / 1e9:.3f} s against the driver's, within "
                    f"{(jump.before_ns - jump.after_ns) / 1e9:.1f} s"
                )
        return found


ONE_CLOCK = Clocks()
"""The clocks of a run on one host: no process has another clock than the driver."""


def clocks_of(events: Iterable[Event]) -> Clocks:
    """Return the clocks that the driver's journal records."""
    host_of: dict[str, str] = {}
    readings: dict[str, list[ClockReading]] = {}
    lost: dict[str, None] = {}
    for event in events:
        if isinstance(event, ClockRead):
            if event.asked_ns <= event.at_ns:
                readings.setdefault(event.host, []).append(
                    ClockReading(event.asked_ns, event.host_ns, event.at_ns)
                )
        elif isinstance(event, HostLost):
            lost[event.host] = None
        elif isinstance(event, ProcessesPlaced):
            host_of.update(dict.fromkeys(event.processes, event.host))
    if not host_of:
        return ONE_CLOCK
    used = sorted(set(host_of.values()))
    return Clocks(
        host_of,
        {host: HostClock(readings[host]) for host in used if host in readings},
        tuple(host for host in used if host not in readings),
        tuple(lost),
    )


def named_skew(skew: Skew) -> str:
    """Return a skew in words: `b and c early, d late`."""
    sides: dict[Estimate, list[str]] = {}
    for host, which in sorted(skew.items()):
        sides.setdefault(which, []).append(host)
    words = ((Estimate.earliest, "early"), (Estimate.latest, "late"))
    return ", ".join(f"{_listed(sides[which])} {word}" for which, word in words if which in sides)


def _listed(names: Sequence[str], most: int = 4) -> str:
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}"
