"""Reads from a Dockerfile which ports its image will name, before that image is built. Pure.

The instructions are those of https://docs.docker.com/reference/dockerfile. What only a build decides (a
variable, a here-document, another escape character) makes the answer unknown, never wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

MOST_BYTES = 1 << 20
NO_BASE = "scratch"
_DIRECTIVE = re.compile(r"^#\s*escape\s*=\s*[^\\\s]", re.I | re.M)
_HEREDOC = re.compile(r"<<-?[\"']?\w")
_FROM = re.compile(r"(?:--\S+\s+)*(?P<base>\S+)(?:\s+as\s+(?P<name>\S+))?", re.I)
_PORT = re.compile(r"(?P<first>\d{1,5})(?:-(?P<last>\d{1,5}))?(?:/(?P<protocol>\w+))?", re.A)


@dataclass(frozen=True)
class NamedPorts:
    """TCP ports of a Dockerfile's stage, and the image below it (NO_BASE: none), which may name more."""

    ports: frozenset[int]
    base: str


@dataclass
class _Stage:
    base: str
    ports: set[int] = field(default_factory=set)
    is_known: bool = True


def named_ports(dockerfile: str, target: str = "") -> NamedPorts | None:
    """Return the ports of a stage, with those of the stages that it is made from; None where only a build can
    say. `target` is the stage's name or number; "" for the last one.
    """
    if _DIRECTIVE.search(dockerfile) or _HEREDOC.search(dockerfile):
        return None
    stages: dict[str, _Stage] = {}
    last: _Stage | None = None
    for word, rest in _instructions(dockerfile):
        if word == "FROM":
            match = _FROM.fullmatch(rest)
            if match is None or "$" in match["base"]:
                return None
            last = _Stage(match["base"])
            number = sum(name.isdigit() for name in stages)
            if parent := stages.get(last.base.lower()):
                last.base, last.ports, last.is_known = parent.base, set(parent.ports), parent.is_known
            stages[str(number)] = last
            stages |= {match["name"].lower(): last} if match["name"] else {}
        elif word == "EXPOSE" and last is not None:
            last.is_known = _add_ports(last.ports, rest) and last.is_known
    found = stages.get(target.lower()) if target else last
    return NamedPorts(frozenset(found.ports), found.base) if found and found.is_known else None


def _instructions(dockerfile: str) -> Iterator[tuple[str, str]]:
    """Each instruction in capitals, with its words; continued lines are one, comments are none."""
    whole = ""
    for line in dockerfile.splitlines():
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        whole += text.removesuffix("\\") + " "
        if not text.endswith("\\"):
            word, _, rest = whole.strip().partition(" ")
            yield word.upper(), rest.strip()
            whole = ""


def _add_ports(ports: set[int], words: str) -> bool:
    """Add the TCP ports of an EXPOSE; returns whether all of its words are ports."""
    for text in words.split():
        match = _PORT.fullmatch(text)
        if match is None:
            return False
        if (match["protocol"] or "tcp").lower() == "tcp":
            first = int(match["first"])
            ports.update(range(first, int(match["last"] or first) + 1))
    return True
