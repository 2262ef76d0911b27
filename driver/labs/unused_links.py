"""Links that no client has used since their doors started: a fault on one has nothing to show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from driver.histories.journal_folder import find_journals
from driver.histories.journal_kinds import is_door
from driver.histories.link_connections import link_journals
from driver.histories.live_journals import DOOR_BACK_BYTES, LiveJournals

LINK = "->"
"""In the name of a link, and not in that of a container."""
UNNAMED = "@"
"""In the name of a link whose client is not known yet, which may be any replica."""


def unused_links(journals: Sequence[Path], targets: Sequence[str]) -> list[str]:
    """Return the links among `targets` on which the journals of doors have no connection.

    None where the journals do not decide it: without doors, where a journal is read from its end alone, and
    where a link with connections has no name yet.
    """
    doors = [path for folder in journals for path in _doors(folder)]
    if not doors or any(path.stat().st_size > DOOR_BACK_BYTES for path in doors):
        return []
    found = link_journals(LiveJournals(journals).read())
    used = {name for name, one in found.items() if one.connections or one.omitted}
    if any(UNNAMED in name for name in used):
        return []
    return [name for name in targets if LINK in name and name not in used]


def _doors(folder: Path) -> list[Path]:
    return [path for name, path in find_journals(folder).journals.items() if is_door(name)]
