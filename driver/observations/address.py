"""Addresses as scenarios write them: a URL that names a service and its port, a service with its replica."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import BeforeValidator, WithJsonSchema

from driver.systems.system_access import SystemAccess

_PASSWORD = re.compile(r"((?<!\S)[^:@\s]*(?=:(?!//))|://[^:@\s]*):.*@", re.DOTALL)
"""All to the last @: a password that was not escaped may hold any character."""
_PASSWORD_KEY = re.compile(r"(passw(?:or)?d=)[^&\s]*", re.IGNORECASE)
_REPLICA = re.compile(r"(?P<service>[A-Za-z0-9][\w.-]*)(?:\[(?P<number>[1-9]\d{0,4})\])?")


@dataclass(frozen=True)
class ServiceUrl:
    """A URL whose host is a service of the system. `written` has no password."""

    scheme: str
    service: str
    port: int
    user: str
    password: str
    path: str
    query: str

    @property
    def written(self) -> str:
        user = f"{self.user}@" if self.user else ""
        query = f"?{self.query}" if self.query else ""
        return without_passwords(f"{self.scheme}://{user}{self.service}:{self.port}{self.path}{query}")

    def host_and_port(self, access: SystemAccess, replica: int) -> tuple[str, int]:
        """Return where a replica is reached beside the doors. Raises LabError."""
        host, _, port = access.inside(self.service, self.port, replica).rpartition(":")
        return host, int(port)


def parse_url(value: object, ports: Mapping[str, int], example: str) -> ServiceUrl:
    """Return a URL with one of these schemes, whose values are their usual ports. Raises ValueError."""
    expected = f"expected a URL like {example}, whose host is a service"
    if not isinstance(value, str):
        raise ValueError(f"{expected}; found {without_passwords(repr(value))}")
    wrong = ValueError(f"{expected}; found {without_passwords(value)!r}")
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        # The error's own text may be a part of the password.
        raise wrong from None
    if parts.scheme not in ports or not parts.hostname:
        raise wrong
    return ServiceUrl(
        parts.scheme,
        _service(parts),
        ports[parts.scheme] if port is None else port,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        parts.path,
        parts.query,
    )


@dataclass(frozen=True)
class Target:
    """A service, and one of its replicas; 0 for all of them."""

    service: str
    number: int = 0

    def __str__(self) -> str:
        return f"{self.service}[{self.number}]" if self.number else self.service

    def numbers(self, access: SystemAccess) -> list[int]:
        """Return the numbers of its replicas. Raises LabError."""
        return [self.number] if self.number else access.replicas(self.service)


def parse_target(value: object) -> Target:
    """Return the target in `worker` or `worker[2]`. Raises ValueError."""
    match = _REPLICA.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(
            f"expected a service like worker, or a replica like worker[2]; found "
            f"{without_passwords(repr(value))}"
        )
    return Target(match["service"], int(match["number"] or 0))


def _is_target(value: object) -> object:
    parse_target(value)
    return value


TargetText = Annotated[
    str, BeforeValidator(_is_target), WithJsonSchema({"type": "string", "examples": ["worker", "worker[2]"]})
]
"""A service or a replica, as written."""


def _service(parts: SplitResult) -> str:
    """The host as written: `hostname` is in lower case."""
    host = parts.netloc.rpartition("@")[2].partition(":")[0]
    return unquote(host)


def without_passwords(text: str) -> str:
    """Return a text with … in the place of passwords of URLs, which may be written wrongly."""
    return _PASSWORD_KEY.sub(r"\1…", _PASSWORD.sub(r"\1:…@", text))
