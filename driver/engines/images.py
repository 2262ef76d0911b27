"""Which images the lab is made of, and what each is built from."""

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
    """One service's image. `inputs` are paths under the project's root, less those in `without`."""

    service: str
    inputs: tuple[str, ...]
    without: tuple[str, ...] = ()

    @property
    def variable(self) -> str:
        """What compose.yaml calls this image; set by the user, it is taken as it is and never built."""
        return f"STORMLAB_{self.service.upper()}_IMAGE"


_PYTHON = ("containers.lock", "wire")
CATALOGUE = (
    Image("toxiproxy", ("chaos/toxiproxy",)),
    Image("coordinator", (*_PYTHON, "coordinator")),
    Image("worker", (*_PYTHON, "worker")),
    Image("prober", (*_PYTHON, "chaos"), without=("chaos/toxiproxy",)),
)


def reference(image: Image, root: Path, environment: Mapping[str, str] = os.environ) -> str:
    """The image's name: the one the user gave, or `stormlab/worker:<hash of its inputs>`."""
    return environment.get(image.variable) or f"stormlab/{image.service}:{digest(image, root)}"


def is_given(image: Image, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the user named an image of their own."""
    return bool(environment.get(image.variable))


def digest(image: Image, root: Path) -> str:
    """Sixteen hex digits over names and bytes of everything the image is built from."""
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
