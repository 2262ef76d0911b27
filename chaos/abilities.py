"""Abilities that a fault may need of the engine which runs the lab."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Ability(StrEnum):
    """What an engine can do to the processes of a lab; its value is the name in texts."""

    pause = "pause"
    kill = "kill"
    stop = "stop"
    restart = "restart"
    unplug = "unplug"
    cpu = "cpu"
    memory = "memory"
    isolation = "isolation"
    follow_journals = "follow journals"


MEANINGS: Mapping[Ability, str] = {
    Ability.pause: "all processes of a container execute no code until they are resumed",
    Ability.kill: "SIGKILL, without a drain",
    Ability.stop: "SIGTERM, and SIGKILL after the grace",
    Ability.restart: "what has ended starts again under the same name, address and link",
    Ability.unplug: "off the network under test: no FIN, no RST, packets are lost",
    Ability.cpu: "a limit on processor time while it runs",
    Ability.memory: "a limit on memory while it runs",
    Ability.isolation: "a worker reaches nothing but the doors of its own links",
    Ability.follow_journals: "the driver reads each journal while it grows",
}
