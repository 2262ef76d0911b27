"""stormlab.yaml: what was learned of a system, written to be edited, and read again by `lab.py try`."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from chaos.explain import nearest
from driver.errors import UsageError
from driver.files import FileReadError, read_file
from driver.histories.link_names import pair_of, service_of
from driver.scenarios.yaml_file import FileError, read_yaml, scalar
from driver.systems.system import OUTSIDE, System
from driver.systems.system_request import SystemRequest
from driver.trial.baseline import FlowBaseline, SystemBaseline
from driver.trial.report import rate
from driver.trial.targets import targets_of, why_not_tried

FORMAT = 1
_MOST_BYTES = 1 << 20
_PLAIN = re.compile(r"[\w.-]+(?:->[\w.-]+:\d+)?", re.A)
_IS_LEARNED = re.compile(rb"^stormlab:\s*\d", re.M)
"""A Compose file has no such key."""


class LearnedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """stormlab.yaml. Paths are relative to its folder; None for `links` and `services` means all.

    `links` are pairs (`api->db:5432`), `services` services or containers.
    """

    stormlab: int
    compose: list[str]
    profiles: list[str] = []
    listens: dict[str, list[int]] = {}
    egress: list[str] = []
    bypass: list[str] = []
    links: list[str] | None = None
    services: list[str] | None = None

    def request(self, file: Path) -> SystemRequest:
        """Return how the system is started; `file` is where this was read."""
        return SystemRequest(
            tuple(file.parent / one for one in self.compose),
            tuple(self.profiles),
            frozenset(self.bypass),
            frozenset(self.egress),
            {name: frozenset(ports) for name, ports in self.listens.items()},
            publish=False,
        )


def read_learned(file: Path) -> LearnedFile | None:
    """Return a stormlab.yaml; None for another file, or for none. Raises FileError."""
    try:
        if not _IS_LEARNED.search(read_file(file, _MOST_BYTES)):
            return None
    except FileReadError:
        return None
    read = read_yaml(file)
    try:
        found = msgspec.convert(read.data, LearnedFile)
    except msgspec.ValidationError as error:
        raise FileError(str(file), 0, (), str(error), "Learn it again: python lab.py learn") from None
    if found.stormlab != FORMAT:
        raise read.error(("stormlab",), f"expected {FORMAT}; found {found.stormlab}")
    if not found.compose:
        raise read.error(("compose",), "expected the path of a Compose file; found none")
    return found


def refuse_unknown(learned: LearnedFile, system: System, file: Path) -> None:
    """Raise UsageError for a link or service of the file that the system does not have."""
    pairs = [str(pair) for pair in system.pairs]
    for link in learned.links or ():
        if link not in pairs:
            raise UsageError(f"{file}: `links`: there is no {link!r}.", nearest(link, pairs))
    services = [one.name for one in system.services]
    for name in learned.services or ():
        if service_of(name) not in services:
            raise UsageError(f"{file}: `services`: there is no {name!r}.", nearest(name, services))


def learned_yaml(
    file: Path,
    request: SystemRequest,
    found: Mapping[str, Iterable[int]],
    baseline: SystemBaseline,
    system: System,
) -> str:
    """Return the text of stormlab.yaml, to be written to `file`. `found` are ports that nothing names."""
    folder, hit = file.resolve().parent, targets_of(baseline)
    compose = [os.path.relpath(one.resolve(), folder) for one in request.files]
    lines = [
        f"# What flowed in {baseline.length_s:.0f} s. Edit it, then: python lab.py try {file.name}",
        f"stormlab: {FORMAT}",
        f"compose: {json.dumps(compose)}",
        f"profiles: {json.dumps(list(request.profiles))}",
        f"egress: {json.dumps(sorted(request.egress))}  # services that reach the internet",
        f"bypass: {json.dumps(sorted(request.bypass))}  # services that may go around doors",
        "",
        "# TCP ports on which each service listens: each has a door.",
        *_section("listens", "{}", _ports(request, found, system)),
        "",
        "# Links that carried traffic: `try` hurts each of these.",
        *_section("links", "[]", _links(hit.pairs, baseline, system)),
        "",
        "# `try` kills, pauses and restarts one container of each of these.",
        *_section("services", "[]", [f"- {_text(service_of(one))}" for one in hit.containers]),
    ]
    return "\n".join(lines) + "\n"


def _section(key: str, empty: str, lines: Iterable[str]) -> Iterator[str]:
    """A key with its entries; `empty` is its value where all of these are comments."""
    shown = [f"  {line}" for line in lines]
    yield f"{key}:" if any(not line.startswith("  #") for line in shown) else f"{key}: {empty}"
    yield from shown


def _text(text: str) -> str:
    """Return a text as YAML reads it: quoted where it would be something else."""
    return text if _PLAIN.fullmatch(text) and scalar(text) == text else json.dumps(text)


def _ports(request: SystemRequest, found: Mapping[str, Iterable[int]], system: System) -> Iterator[str]:
    """The ports of each service: those that its image names too, since that image may not be built."""
    for one in system.services:
        ports = request.ports.get(one.name, frozenset())
        if one.name not in request.bypass:
            ports |= set(one.ports)
        if ports:
            why = "  # found listening" if found.get(one.name) else ""
            yield f"{_text(one.name)}: {json.dumps(sorted(ports))}{why}"


def _links(pairs: Sequence[str], baseline: SystemBaseline, system: System) -> Iterator[str]:
    flows: dict[str, list[FlowBaseline]] = {}
    for name, one in baseline.links.items():
        flows.setdefault(pair_of(name), []).append(one)
    for pair in pairs:
        # It may be judged in the watch of `try`: here it may have begun late.
        why = why_not_tried(pair, baseline)
        silent = f"; not tried where it is so silent again: {why}" if why else ""
        yield f"- {_text(pair)}  # {_flow(flows[pair])}{silent}"
    for pair in sorted(map(str, system.pairs)):
        if pair not in pairs and not pair.startswith(f"{OUTSIDE}->"):
            yield f"# {'dialled, and nothing flowed' if pair in flows else 'not dialled'}: {pair}"


def _flow(flows: Sequence[FlowBaseline]) -> str:
    """What flowed on the links of a pair."""
    to_server = sum(one.to_server_per_s for one in flows)
    to_client = sum(one.to_client_per_s for one in flows)
    opened = sum(one.opened_per_s for one in flows)
    links = "" if len(flows) == 1 else f"{len(flows)} links: "
    connections = sum(one.connections for one in flows)
    flowed = f"{links}{rate(to_server)} to the server, {rate(to_client)} to the client"
    return f"{flowed}, {connections} open, {opened:.1f}/s opened"
