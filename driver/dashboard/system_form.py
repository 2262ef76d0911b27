"""The fault catalogue in the words of any system, and a filled form as links or containers of one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from chaos.fault import Layer
from driver.dashboard.forms import FilledForm, FormError, catalogue, read_form
from driver.errors import UsageError
from driver.histories.link_names import is_link, pair_of
from driver.scenarios.flag_values import parse_duration
from driver.systems.running_system import RunningSystem
from driver.systems.system_site import plan_system_injection

MOST_OFFERED = 200
_WORDS = {
    "to_worker": "to_client",
    "to_coordinator": "to_server",
    "worker": "client",
    "workers": "clients",
    "coordinator": "server",
}
_WORD = re.compile(rf"\b({'|'.join(sorted(_WORDS, key=len, reverse=True))})\b")


def system_catalogue() -> list[dict[str, Any]]:
    """Return every fault with its parameters; ends of a link are client and server."""
    found: list[dict[str, Any]] = _in_systems(catalogue())
    return found


def offered_targets(running: RunningSystem) -> dict[str, list[str]]:
    """Return what a form offers as targets of faults on links, and of those on containers."""
    links = [link.name for link in running.links.wanted()]
    pairs = sorted({pair_of(name) for name in links})
    containers = [
        f"{one.name}[{number}]" if one.replicas > 1 else one.name
        for one in running.file.system.services
        for number in range(1, one.replicas + 1)
    ]
    return {"links": [*pairs, *sorted(links)][:MOST_OFFERED], "containers": containers[:MOST_OFFERED]}


def fill_for_system(form: dict[str, Any], running: RunningSystem) -> FilledForm:
    """Return the fault that a form describes, on a system that is up.

    Raises FormError, and LabError where the system cannot be read. Blocks: it asks the engine.
    """
    read = read_form(form)
    try:
        for_s = parse_duration("--for", read.for_text or None)
    except UsageError as error:
        raise FormError("for", error.sentence) from None
    try:
        planned = plan_system_injection(running, read.fault, read.params, read.targets, for_s, read.seed)
    except UsageError as error:
        raise FormError("for" if "--for" in error.sentence else "targets", error.sentence) from None
    hits = tuple(planned[0].targets)
    words = ["inject", read.fault, *_selection(read.made.layer, read.targets), *read.words()]
    words += ["--system", running.compose_file]
    return FilledForm(hits, _count(running, hits) - len(hits), read.seed, words)


def _selection(layer: Layer, targets: str) -> Sequence[str]:
    if not targets:
        return ()
    return (targets,) if layer is Layer.container else ("--links", targets)


def _count(running: RunningSystem, hits: Sequence[str]) -> int:
    if hits and is_link(hits[0]):
        return len(running.links.wanted())
    return sum(one.replicas for one in running.file.system.services)


def _in_systems(value: Any) -> Any:
    if isinstance(value, str):
        return _WORD.sub(lambda found: _WORDS[found[0]], value)
    if isinstance(value, list):
        return [_in_systems(one) for one in value]
    return {key: _in_systems(one) for key, one in value.items()} if isinstance(value, dict) else value
