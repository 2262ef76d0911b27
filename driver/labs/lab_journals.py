"""Folders of journals of labs that no run owns."""

from __future__ import annotations

import shutil
from pathlib import Path

from driver.engines.engine import Engine
from driver.errors import LabError
from driver.histories.driver_journal import FILE_NAME
from driver.paths import state_dir


def new_journals(engine: Engine) -> Path | None:
    """Return an empty folder for a lab's journals; None where its engine shares no files with this machine.

    Raises LabError where an earlier lab's journals cannot be removed, and OSError where the folder cannot be
    created.
    """
    if not engine.is_local:
        return None
    folder = _folder(engine.project)
    remove_journals(engine.project)
    folder.mkdir(parents=True)
    return folder


def remove_journals(project: str) -> None:
    """Remove a lab's journals, and the driver's journal of manual injections. Raises LabError."""
    folder = _folder(project)
    try:
        (manual_journal_folder(project) / FILE_NAME).unlink(missing_ok=True)
        shutil.rmtree(folder.parent)
    except FileNotFoundError:
        return
    except OSError as error:
        raise LabError(
            f"The journals of the lab {project!r} could not be removed: {error.strerror}.",
            f"Remove them by hand: sudo rm -r {folder.parent}",
        ) from None


def manual_journal_folder(project: str) -> Path:
    """Return the folder of the driver's journal of manual injections."""
    return state_dir() / "by-hand" / project


def _folder(project: str) -> Path:
    return state_dir() / "labs" / project / "journals"
