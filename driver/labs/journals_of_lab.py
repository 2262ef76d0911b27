"""Where a lab that was started by hand keeps its journals: where they can be followed."""

from __future__ import annotations

import shutil
from pathlib import Path

from driver.engines.engine import Engine
from driver.errors import LabError
from driver.histories.driver_journal import FILE_NAME
from driver.labs.end_request import by_hand_folder
from driver.paths import state_dir


def fresh_journals(engine: Engine) -> Path | None:
    """An empty folder for a lab's journals; None where its engine shares no files with this machine."""
    if not engine.is_local:
        return None
    folder = _folder(engine.project)
    forget_journals(engine.project)
    folder.mkdir(parents=True)
    return folder


def forget_journals(project: str) -> None:
    """Remove them, and the driver's of faults by hand: what nobody ran a scenario for is kept no longer than
    its lab. Raises LabError.
    """
    folder = _folder(project)
    try:
        (by_hand_folder(project) / FILE_NAME).unlink(missing_ok=True)
        shutil.rmtree(folder.parent)
    except FileNotFoundError:
        return
    except OSError as error:
        raise LabError(
            f"The journals of the lab {project!r} could not be removed: {error.strerror}.",
            f"Remove them by hand: sudo rm -r {folder.parent}",
        ) from None


def _folder(project: str) -> Path:
    return state_dir() / "labs" / project / "journals"
