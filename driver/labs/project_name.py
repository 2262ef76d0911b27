"""Name of the lab of this checkout, for lab.py and for `docker compose` in it."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from driver.errors import LabError
from driver.paths import is_checkout, working_root

PATTERN = r"[a-z0-9][a-z0-9_-]{0,40}"
VARIABLE = "COMPOSE_PROJECT_NAME"
_OURS = re.compile(r"stormlab-[0-9a-f]{6}")
_LINE = re.compile(rf"^{VARIABLE}=(.*)$", re.MULTILINE)


def default_project(root: Path | None = None) -> str:
    """Return the name in the checkout's `.env`; else a name with digits of the checkout's path.

    A name with other digits in `.env` is ignored: it came with a copy of another checkout. Raises LabError.
    """
    folder = (root or working_root()).resolve()
    named = _LINE.search(_read(folder / ".env")) if is_checkout(folder) else None
    name = named[1].strip() if named else ""
    if re.fullmatch(PATTERN, name) and not _OURS.fullmatch(name):
        return name
    return f"stormlab-{hashlib.sha256(str(folder).encode()).hexdigest()[:6]}"


def note_project(root: Path | None = None) -> None:
    """Write the name into the checkout's `.env`, so that `docker compose` there uses the same lab.

    Other lines remain. Raises LabError.
    """
    folder = (root or working_root()).resolve()
    if not is_checkout(folder):
        return
    path = folder / ".env"
    text = _read(path)
    line = f"{VARIABLE}={default_project(folder)}"
    noted = _LINE.sub(line, text) if _LINE.search(text) else f"{text.rstrip()}\n{line}\n".lstrip()
    if noted == text:
        return
    try:
        path.write_text(noted)
    except OSError as error:
        raise LabError(
            f"{path} cannot be written: {error.strerror}.", "Run this as the owner of that folder."
        ) from None


def project_option(project: str, flag: str = "--project") -> str:
    """Return ` --project NAME`, or "" for the default lab of this folder."""
    return "" if project == default_project() else f" {flag} {project}"


def start_hint(project: str) -> str:
    """Return a hint with the command that starts a lab of that name."""
    return f"Start one: python lab.py up --workers 3{project_option(project)}"


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise LabError(f"{path} cannot be read: {error}.", "Make it a text file, or remove it.") from None
