"""Finds services without a known TCP port: no door is before them, and no client reaches them. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from driver.errors import UsageError
from driver.systems.compose_config import ResolvedConfig, names_of, share_network, texts_of
from driver.systems.door_bypass import has_udp, unneeded_bypass
from driver.systems.system import System

_JOB = "service_completed_successfully"
"""The condition of a dependency on a job that has ended: its clients do not connect to it."""


class PortlessServiceError(UsageError):
    """No port of some services is known, and another service names each of them.

    `services` are these; `problem` is the sentence without a file.
    """

    def __init__(self, places: Mapping[str, str]) -> None:
        self.services = tuple(places)
        first, place = next(iter(places.items()))
        several = len(places) > 1
        which = ", ".join(f"services.{name}" for name in places)
        door = "no door can be before them" if several else "no door can be before it"
        names = f"{place} names {f'services.{first}' if several else 'it'}"
        verb = "have" if several else "has"
        self.problem = f"{which} {verb} no known port, so {door}, and {names}"
        flags = " ".join(f"--listens {name}:PORT" for name in places)
        around = " ".join(f"--bypass {name}" for name in places)
        super().__init__(
            f"{self.problem}.",
            f"Give {'their ports' if several else 'its port'}: {flags}; or {around} if nothing connects to "
            f"{'them' if several else 'it'}.",
        )


def refuse_portless(
    config: ResolvedConfig, system: System, allowed: Collection[str], bypassed: Collection[str]
) -> list[str]:
    """Return the services that get no door since no port of theirs is known, and since none is needed.

    Raises PortlessServiceError for all that another service names, unless they are in `allowed`; and
    UsageError for one in `allowed` that has a port, unless it is in `bypassed`, the services that have
    something else to allow.
    """
    found = [one.name for one in system.services if not one.ports and _wants_door(config, one.name)]
    for name in sorted(set(allowed) - set(bypassed) - set(found)):
        raise unneeded_bypass(name)
    named: dict[str, str] = {}
    for name in sorted(set(found) - set(allowed)):
        places = [place for client in sorted(config.services) for place in _places(config, client, name)]
        if places:
            named[name] = places[0]
    if named:
        raise PortlessServiceError(named)
    return found


def _wants_door(config: ResolvedConfig, name: str) -> bool:
    written = config.services[name]
    return not written.network_mode and not has_udp(name, written)


def _places(config: ResolvedConfig, client: str, server: str) -> Iterator[str]:
    """The keys of `client` that name `server`, by any name that it has on a network of both."""
    one, other = config.services[client], config.services[server]
    if client == server or one.network_mode or not share_network(one, other):
        return
    key = f"services.{client}"
    dependency = one.depends_on.get(server)
    if dependency is not None and dependency.condition != _JOB:
        yield f"{key}.depends_on"
    if server in {link.partition(":")[0] for link in one.links}:
        yield f"{key}.links"
    names = "|".join(map(re.escape, sorted(names_of(server, other))))
    named = re.compile(rf"(?<![\w.-])(?:{names})(?![\w.-])")
    for where, text in texts_of(one):
        if named.search(text):
            yield f"{key}.{where}"
