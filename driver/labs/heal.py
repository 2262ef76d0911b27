"""Restores links and containers by their present state, verifies it, and returns what remains degraded."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from driver.engines.engine import FaultEngine
from driver.errors import EngineError, EngineGoneError, LinksError
from driver.labs.fault_lab import FaultLab
from driver.labs.lab_lock import try_lab_lock
from driver.labs.toxiproxy_api import Link
from driver.terminal import Terminal

TRIES = 4
LEFT_BY_FAULTS = ("paused", "unplugged", "limited")
"""Degradations that only a fault causes. A container that exited may have been ended by its owner."""

_log = logging.getLogger("stormlab.heal")


@dataclass(frozen=True)
class HealTiming:
    """The pause between two tries, and how long each waits for an answer of Toxiproxy."""

    try_again_s: float = 0.5
    answers_within_s: float = 20.0


TIMING = HealTiming()


@dataclass(frozen=True)
class Healing:
    """Names of the links that were degraded and of the containers that were restored, and what is `left`
    (empty: verified).
    """

    links: list[str]
    containers: list[str]
    left: list[str]
    took_ms: float


async def heal(
    lab: FaultLab,
    wanted: Sequence[Link],
    timing: HealTiming = TIMING,
    ended: Collection[str] | None = None,
) -> Healing:
    """Restore containers, then links, and verify it, TRIES times at most. `wanted` links must exist.

    `ended` are the containers that faults may have ended (None: any): another one that does not run was
    ended by its own system, and is left alone. Raises EngineGoneError, and EngineError where the engine
    cannot list degradations; a single refusal shows in `left`.
    """
    began_ns = time.monotonic_ns()
    links: set[str] = set()
    containers: set[str] = set()
    left: list[str] = []
    for attempt in range(TRIES):
        if attempt:
            await asyncio.sleep(timing.try_again_s)
        # Containers first: Toxiproxy blocks on a toxic whose receiver is paused and reads nothing.
        containers |= set(await asyncio.to_thread(_heal_containers, lab.engine, ended))
        healing = await asyncio.to_thread(_heal_links, lab, wanted, timing.answers_within_s)
        links |= healing.degraded
        left = await asyncio.to_thread(_left, lab, wanted, healing.stuck, ended)
        if not left:
            break
        _log.debug("after try %d: %s", attempt + 1, left)
    return Healing(sorted(links), sorted(containers), left, (time.monotonic_ns() - began_ns) / 1e6)


@dataclass(frozen=True)
class Degraded:
    """Names of degraded links and containers."""

    links: list[str]
    containers: list[str]


def find_degraded(lab: FaultLab, ended: Collection[str] | None = None) -> Degraded:
    """Return what is degraded, and change nothing. `ended` is as in `heal`. Raises EngineError.

    No link is returned where Toxiproxy does not answer.
    """
    try:
        links = [one.name for one in lab.links.states() if one.is_degraded]
    except LinksError as error:
        _log.debug("links: %s", error)
        links = []
    return Degraded(links, sorted(degradations_by_faults(lab.engine, ended)))


def restore_stale_if_free(engine: FaultEngine, terminal: Terminal) -> None:
    """Restore containers from faults whose command was killed, unless a command holds the lab.

    Link faults end by their leases. Raises EngineError where the engine cannot list degradations, and
    LabError where the lab's lock cannot be opened.
    """
    if engine.is_local:
        with try_lab_lock(engine.project) as is_free:
            if is_free:
                restore_stale(engine, terminal)


def restore_stale(engine: FaultEngine, terminal: Terminal) -> None:
    """Restore containers from faults whose command was killed; the caller holds the lab. Raises
    EngineError.
    """
    for name, degradations in engine.degradations().items():
        for degradation in degradations:
            if degradation not in LEFT_BY_FAULTS:
                continue
            try:
                _undo(engine, name, degradation)
            except EngineError as error:
                terminal.warn(
                    f"{name} was left {degradation} by a fault and could not be restored: {error.sentence}"
                )
            else:
                terminal.info(f"Restored {name}, which a fault had left {degradation}.")


def _undo(engine: FaultEngine, name: str, degradation: str) -> bool:
    """Undo one degradation of a container. Returns whether there is a way to. Raises EngineError."""
    ways = {
        "paused": engine.unpause,
        "exited": engine.start,
        "created": engine.start,
        "unplugged": engine.plug,
        "limited": engine.unlimit,
    }
    if degradation not in ways:
        return False
    ways[degradation](name)
    return True


def degradations_by_faults(engine: FaultEngine, ended: Collection[str] | None) -> dict[str, list[str]]:
    """Return the degradations by container; of one that is not in `ended` those alone that faults cause.

    Raises EngineError.
    """
    kept = {
        name: [one for one in found if ended is None or name in ended or one in LEFT_BY_FAULTS]
        for name, found in engine.degradations().items()
    }
    return {name: found for name, found in kept.items() if found}


def _heal_containers(engine: FaultEngine, ended: Collection[str] | None) -> list[str]:
    """Undo all degradations of containers. Returns the names of those that were changed."""
    changed = []
    for name, degradations in degradations_by_faults(engine, ended).items():
        for degradation in degradations:
            try:
                if _undo(engine, name, degradation):
                    changed.append(name)
            except EngineGoneError:
                raise
            except EngineError as error:
                _log.debug("%s (%s): %s", name, degradation, error)
    return changed


@dataclass
class _LinkHealing:
    """Names of the links that were degraded before, and of those that Toxiproxy could not heal."""

    degraded: set[str] = field(default_factory=set)
    stuck: set[str] = field(default_factory=set)


def _heal_links(lab: FaultLab, wanted: Sequence[Link], answers_within_s: float) -> _LinkHealing:
    """End every fault, remove every toxic and create missing links.

    Toxiproxy may have healed although its answer was lost: the degraded links are returned all the same.
    """
    healing = _LinkHealing()
    deadline = time.monotonic() + answers_within_s
    while not lab.links.is_up() and time.monotonic() < deadline:
        time.sleep(0.05)
    try:
        healing.degraded |= {link.name for link in lab.links.states() if link.is_degraded}
        healing.stuck |= set(lab.links.heal().stuck)
        lab.links.create(wanted)
    except LinksError as error:
        _log.debug("links: %s", error)
    return healing


def _left(
    lab: FaultLab, wanted: Sequence[Link], stuck: Collection[str], ended: Collection[str] | None
) -> list[str]:
    """Return what is degraded: containers by the engine, links by their states and by what is enabled.

    `stuck` links could not be healed.
    """
    left = [
        f"{name} ({', '.join(found)})" for name, found in degradations_by_faults(lab.engine, ended).items()
    ]
    try:
        clean = {link.name for link in lab.links.states() if not link.is_degraded}
        whole = (clean & lab.links.enabled_names()).difference(stuck)
    except LinksError as error:
        return [*left, f"toxiproxy ({error.sentence})"]
    return left + [f"link {link.name}" for link in wanted if link.name not in whole]
