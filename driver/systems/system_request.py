"""What a person asks for who starts a system, and the project of the lab that it becomes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class SystemRequest:
    """What a person asks for: the files, and what differs from `docker compose up` with them.

    `ports` are TCP ports on which services listen without a word in the file.
    """

    files: tuple[Path, ...]
    profiles: tuple[str, ...] = ()
    bypass: frozenset[str] = frozenset()
    egress: frozenset[str] = frozenset()
    ports: Mapping[str, frozenset[int]] = field(default_factory=dict)
    publish: bool = True


def project_of(file: Path) -> str:
    """Return the project of the lab for one Compose file: never the one that the file itself gives."""
    path = file.resolve()
    folder = re.sub(r"[^a-z0-9]+", "-", path.parent.name.lower()).strip("-")[:20]
    return f"doors-{folder or 'system'}-{hashlib.sha256(str(path).encode()).hexdigest()[:6]}"
