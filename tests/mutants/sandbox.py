"""A copy of the tree, for a defect."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.mutants.apply import Defect, apply

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("wire", "coordinator", "worker", "chaos", "driver", "scenarios", "tests", "docs")
FILES = ("lab.py", "pyproject.toml", "requirements.in")
LEFT_OUT = shutil.ignore_patterns(".*_cache", "e2e")


@contextmanager
def sandbox(defect: Defect | None) -> Iterator[Path]:
    """A folder with the tree, `defect` in it; it is gone afterwards. Raises DefectError.

    Modification times are kept, so that what Python compiled before counts, except for the changed file.
    """
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        root = Path(folder).resolve()
        for name in COPIED:
            shutil.copytree(ROOT / name, root / name, ignore=LEFT_OUT, symlinks=True)
        for name in FILES:
            shutil.copy2(ROOT / name, root / name)
        if defect is not None:
            apply(defect, root)
        yield root


@contextmanager
def applied(defect: Defect, root: Path) -> Iterator[None]:
    """Put `defect` into a sandbox, and take it out afterwards. Raises DefectError."""
    path = root / defect.file
    before, stat = path.read_bytes(), path.stat()
    apply(defect, root)
    try:
        yield
    finally:
        path.write_bytes(before)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
