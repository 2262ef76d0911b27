"""Makes a lab whole again, by what stands and not by memory; looks again, and says what is left."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from driver.engines.engine import Engine
from driver.errors import EngineError, EngineGoneError, LinksError
from driver.labs.lab import Lab
from driver.labs.links import Link, LinkState

TRIES = 4
TRY_AGAIN_S = 0.5
ANSWERS_WITHIN_S = 20.0

_log = logging.getLogger("stormlab.heal")


@dataclass(frozen=True)
class Healing:
    """What was healed, and what is `left` (nothing: verified)."""

    links: list[str]
    containers: list[str]
    left: list[str]
    took_ms: float


async def heal(lab: Lab, wanted: Sequence[Link]) -> Healing:
    """Restore containers, then links; look again, and try again a few times. `wanted` links must stand."""
    began_ns = time.monotonic_ns()
    links: set[str] = set()
    containers: set[str] = set()
    left: list[str] = []
    for attempt in range(TRIES):
        if attempt:
            await asyncio.sleep(TRY_AGAIN_S)
        # A receiver that is paused reads nothing, and Toxiproxy hangs on a toxic before it: containers first.
        containers |= set(await asyncio.to_thread(_heal_containers, lab.engine))
        links |= set(await asyncio.to_thread(_heal_links, lab, wanted))
        left = await asyncio.to_thread(_left, lab, wanted)
        if not left:
            break
        _log.debug("after try %d: %s", attempt + 1, left)
    return Healing(sorted(links), sorted(containers), left, (time.monotonic_ns() - began_ns) / 1e6)


@dataclass(frozen=True)
class HurtNow:
    """Names of links and containers that are not as they should be."""

    links: list[str]
    containers: list[str]


def hurt_now(lab: Lab) -> HurtNow:
    """Look, and change nothing. Of a Toxiproxy that does not answer no link is named."""
    try:
        links = [one.name for one in lab.links.states() if _is_hurt(one)]
    except LinksError as error:
        _log.debug("links: %s", error)
        links = []
    return HurtNow(links, sorted(lab.engine.degradations()))


def mend(engine: Engine, name: str, hurt: str) -> bool:
    """Undo one hurt of a container; whether there is a way to. Raises EngineError."""
    ways = {
        "paused": engine.unpause,
        "exited": engine.start,
        "created": engine.start,
        "unplugged": engine.plug,
        "limited": engine.unlimit,
    }
    if hurt not in ways:
        return False
    ways[hurt](name)
    return True


def _heal_containers(engine: Engine) -> list[str]:
    """Undo whatever is done to containers; the names of those that were touched."""
    touched = []
    for name, hurts in engine.degradations().items():
        for hurt in hurts:
            try:
                if mend(engine, name, hurt):
                    touched.append(name)
            except EngineGoneError:
                raise
            except EngineError as error:
                _log.debug("%s (%s): %s", name, hurt, error)
    return touched


def _heal_links(lab: Lab, wanted: Sequence[Link]) -> list[str]:
    """End every fault and remove every toxic; the names of the links that were hurt."""
    deadline = time.monotonic() + ANSWERS_WITHIN_S
    while not lab.links.is_up() and time.monotonic() < deadline:
        time.sleep(0.05)
    try:
        hurt = [link.name for link in lab.links.states() if _is_hurt(link)]
        lab.links.heal()
        lab.links.create(wanted)
    except LinksError as error:
        _log.debug("links: %s", error)
        return []
    return hurt


def _is_hurt(link: LinkState) -> bool:
    return bool(link.faults or link.toxics or not link.enabled)


def _left(lab: Lab, wanted: Sequence[Link]) -> list[str]:
    """What is not well: containers by the engine, links by our own routes and by the stock client."""
    left = [f"{name} ({', '.join(hurts)})" for name, hurts in lab.engine.degradations().items()]
    try:
        clean = {link.name for link in lab.links.states() if not link.faults and not link.toxics}
        whole = clean & lab.links.enabled_names()
    except LinksError as error:
        return [*left, f"toxiproxy ({error.sentence})"]
    return left + [f"link {link.name}" for link in wanted if link.name not in whole]
