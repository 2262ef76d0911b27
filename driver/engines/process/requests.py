"""Requests of the engine to a lab's supervisor, and its answers: a line of JSON each, over a Unix socket.
Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from driver.engines.process.lab_network import LAYOUT, NetworkLayout
from driver.engines.process.process_spec import ProcessSpec
from driver.typed_json import decode_json

MAX_REQUEST_BYTES = 64 << 20


class Request(msgspec.Struct, frozen=True):
    """A call of the supervisor, with its arguments by name."""

    call: str
    arguments: Mapping[str, msgspec.Raw] = {}


class SupervisorAnswer(msgspec.Struct, frozen=True):
    """The result of a call, or an error: its kind, sentence and hint."""

    result: msgspec.Raw = msgspec.Raw(b"null")
    error: str = ""
    sentence: str = ""
    hint: str = ""


class SupervisorPlace(msgspec.Struct, frozen=True, kw_only=True):
    """What a supervisor is started with: the lab and its folders, and the digests of the code that it runs.

    `published` are (host, port, address in the lab, port there). `programs` maps paths in the lab's root to
    files of this machine, and `hosts` the names that its processes know to addresses. `isolated`: in
    namespaces of its own, with the networks of `layout`; else on this machine's loopback network, with
    `claim` as the name that no other lab may have. A published port 0 is one of the kernel's choice.
    """

    project: str
    folder: str
    checkout: str
    code: Mapping[str, str]
    modules: tuple[str, ...]
    published: tuple[tuple[str, int, str, int], ...]
    programs: Mapping[str, str]
    hosts: Mapping[str, str]
    isolated: bool
    claim: str = ""
    layout: NetworkLayout = LAYOUT


class ProcessRow(msgspec.Struct, frozen=True, kw_only=True):
    """One process of a lab as it is now; `digest` is of the spec that it was created from, `starts` how many
    times it was started.
    """

    name: str
    service: str
    image: str
    digest: str
    created: int
    status: str
    exit_code: int
    out_of_memory: bool
    plugged: bool
    cpus: float | None
    memory_bytes: int
    made_cpus: float | None
    made_memory_bytes: int
    starts: int = 0


class UsageRow(msgspec.Struct, frozen=True):
    """Memory without the page cache, and processor time, of one process."""

    name: str
    memory_bytes: int
    cpu_s: float


class EventRow(msgspec.Struct, frozen=True):
    """One event: `engine.EngineEvent`."""

    container: str
    action: str
    detail: str
    at_ns: int


class SupervisorStart(msgspec.Struct, frozen=True):
    """First line of a supervisor: what went wrong, or its process id, "", and each published port."""

    pid: int = 0
    error: str = ""
    sentence: str = ""
    ports: tuple[int, ...] = ()


def arguments(**named: Any) -> dict[str, msgspec.Raw]:
    """Return the arguments of a call."""
    return {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in named.items()}


def specs_of(raw: msgspec.Raw) -> Sequence[ProcessSpec]:
    """Return the specs in an argument."""
    return decode_json(raw, list[ProcessSpec])
