"""Builds the images of a system that has a defect: the shipped image, with the changed code laid over it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from driver.engines.images import CATALOGUE, Image, reference
from tests.defects.defect import LabDefect

REPOSITORY = "stormlab-defects"
BUILD_TIMEOUT_S = 300
_ROOMS = {"worker": ("wire", "worker"), "coordinator": ("wire", "coordinator")}
# The shipped image uses its bytecode without a check of the source, so it is compiled again.
_DOCKERFILE = """\
ARG SHIPPED
FROM ${SHIPPED}
USER 0
COPY --chmod=755 . /app/
RUN /venv/bin/python -m compileall -q -f --invalidation-mode unchecked-hash /app
USER 10001:10001
"""


def built(defect: LabDefect, root: Path) -> dict[str, str]:
    """The image variables of a lab with `defect`, after building what is missing.

    Raises DefectError, or CalledProcessError with what Docker said.
    """
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for room in ("wire", *_ROOMS):
            shutil.copytree(root / room, tree / room, ignore=shutil.ignore_patterns("__pycache__"))
        defect.put_into(tree)
        return {
            image.variable: _build(image, tree, root) for image in CATALOGUE if image.service in defect.sides
        }


def _build(image: Image, tree: Path, root: Path) -> str:
    shipped = reference(image, root)
    total = hashlib.sha256(f"{shipped}\0{_DOCKERFILE}".encode())
    rooms = _ROOMS[image.service]
    for file in sorted(path for room in rooms for path in (tree / room).rglob("*") if path.is_file()):
        total.update(f"{file.relative_to(tree)}\0".encode() + file.read_bytes())
    name = f"{REPOSITORY}/{image.service}:{total.hexdigest()[:16]}"
    if _docker("image", "ls", "-q", name):
        return name
    with tempfile.TemporaryDirectory() as folder:
        context, dockerfile = Path(folder) / "app", Path(folder) / "Dockerfile"
        for room in rooms:
            shutil.copytree(tree / room, context / room)
        dockerfile.write_text(_DOCKERFILE)
        named = ["--build-arg", f"SHIPPED={shipped}", "--tag", name, "--file", str(dockerfile)]
        _docker("build", "--quiet", *named, str(context))
    return name


def _docker(*words: str) -> str:
    done = subprocess.run(
        ["docker", *words], capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=True
    )
    return done.stdout.strip()
