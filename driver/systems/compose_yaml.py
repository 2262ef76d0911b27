"""Writes a Compose document as YAML with Compose's own tags. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Replaced:
    """A value that replaces the one in the files before, where Compose would otherwise merge the two."""

    value: object


class Removed:
    """A key that is removed from the files before."""


def as_yaml(document: Mapping[str, Mapping[str, object]]) -> str:
    """Return the document; JSON is YAML, so each entry is one line. `$` is no variable in it."""
    lines = []
    for section, entries in document.items():
        lines.append(f"{section}:" if entries else f"{section}: {{}}")
        lines += [f"  {_flow(name)}: {_flow(entry)}" for name, entry in entries.items()]
    return "\n".join(lines) + "\n"


def _flow(value: object) -> str:
    match value:
        case Replaced():
            return f"!override {_flow(value.value)}"
        case Removed():
            return "!reset null"
        case Mapping():
            return "{" + ", ".join(f"{_flow(str(key))}: {_flow(one)}" for key, one in value.items()) + "}"
        case str():
            return json.dumps(value.replace("$", "$$"), ensure_ascii=False)
        case Sequence():
            return "[" + ", ".join(map(_flow, value)) + "]"
        case _:
            return json.dumps(value)
