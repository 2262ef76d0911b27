"""What the engines on processes do on this machine, and by which mechanism."""

from __future__ import annotations

import functools

from chaos.abilities import Ability
from driver.engines.engine import Abilities
from driver.engines.process.control_groups import GroupParents, find_parents

ISOLATED, LOOPBACK = "process", "plain"
"""Names of the engines: with namespaces of a lab's own, and without."""


@functools.cache
def abilities_of(isolated: bool) -> Abilities:
    """Return the abilities here, of the engine with or without namespaces. Raises nothing."""
    try:
        parents = find_parents()
    except OSError as error:
        parents = GroupParents(0, {}, frozenset(), f"control groups cannot be read: {error.strerror}")
    return abilities_with(isolated, parents)


def abilities_with(isolated: bool, parents: GroupParents) -> Abilities:
    """Return the abilities where control groups are as `parents`. Pure."""
    by = {
        Ability.pause: f"cgroup freezer (v{parents.version})"
        if parents.version
        else "SIGSTOP to each process",
        Ability.kill: "SIGKILL",
        Ability.stop: "SIGTERM, then SIGKILL",
        Ability.restart: "a new process with the same address",
        Ability.follow_journals: "folders of this machine",
    }
    lacks = {}
    for ability, controller in ((Ability.cpu, "cpu"), (Ability.memory, "memory")):
        if controller in parents.controllers:
            by[ability] = f"control group (v{parents.version})"
        else:
            lacks[ability] = parents.why
    if isolated:
        by[Ability.unplug] = "its interface set down"
        by[Ability.isolation] = "network and mount namespaces of its own, with a route to Toxiproxy alone"
    else:
        why = "a lab on the loopback network has no cables"
        lacks[Ability.unplug] = f"{why}; the engine `process` has them"
        lacks[Ability.isolation] = "its processes share the network and the files of this machine"
    return Abilities(ISOLATED if isolated else LOOPBACK, by, lacks)
