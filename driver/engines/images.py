"""The lab's images, their names, and the files that each is built from."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_IGNORED_FOLDERS = {"__pycache__", ".git", "tests", "testdata"}
_IGNORED_ENDINGS = (".pyc", ".md", "_test.go")
_DIGEST_CHARACTERS = 16


@dataclass(frozen=True)
class Image:
    """One service's image. `inputs` are paths under the project's root; `without` are excluded."""

    service: str
    inputs: tuple[str, ...]
    without: tuple[str, ...] = ()

    @property
    def variable(self) -> str:
        """The variable of compose.yaml for this image; an image that the user names there is never built."""
        return f"STORMLAB_{self.service.upper()}_IMAGE"


_PYTHON = ("containers.lock", "wire")
CATALOGUE = (
    Image("toxiproxy", ("chaos/toxiproxy",)),
    Image("coordinator", (*_PYTHON, "coordinator")),
    Image("worker", (*_PYTHON, "worker")),
    Image("prober", (*_PYTHON, "chaos"), without=("chaos/toxiproxy",)),
)


def reference(image: Image, root: Path, environment: Mapping[str, str] = os.environ) -> str:
    """Return the image's name: the user's, or `stormlab/worker:<digest of its inputs>`."""
    return environment.get(image.variable) or f"stormlab/{image.service}:{digest(image, root)}"


def is_given(image: Image, environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether the user named an image of their own."""
    return bool(environment.get(image.variable))


def digest(image: Image, root: Path) -> str:
    """Return 16 hex digits over names, modes and contents of the files that the image is built from."""
    total = hashlib.sha256()
    for file in _files(image, root):
        total.update(f"{file.relative_to(root)}\0{file.stat().st_mode & 0o111}\0".encode())
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()[:_DIGEST_CHARACTERS]


def _files(image: Image, root: Path) -> Iterator[Path]:
    left_out = [root / path for path in image.without]
    for name in image.inputs:
        start = root / name
        found = [start] if start.is_file() else sorted(path for path in start.rglob("*") if path.is_file())
        for path in found:
            inside = path.relative_to(root)
            ignored = _IGNORED_FOLDERS & set(inside.parts) or path.name.endswith(_IGNORED_ENDINGS)
            if not ignored and not any(path.is_relative_to(folder) for folder in left_out):
                yield path
