"""Claims that cannot be judged, refused before the first fault: by what was read and sent until then."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from driver.claims import Claim, early_errors
from driver.errors import NotReadyError
from driver.histories.journal_folder import SUFFIX
from driver.histories.journal_kinds import LOAD, OBSERVER, reader_of
from driver.histories.journals import JOURNALS
from driver.histories.system_events import Operation, Reading
from driver.scenarios.thresholds import parse_expectations

SHOWN = 3


def refuse_claims(folder: Path, expect: Sequence[object]) -> None:
    """Raise NotReadyError where a claim of `expect` names a column that the first readings in a run's folder
    do not have, or keys of operations are not unique.
    """
    claims = [one for one in parse_expectations(expect, on_system=True) if isinstance(one, Claim)]
    events = {name: _events(folder, name) for name in (LOAD, OBSERVER)} if claims else {}
    readings = [one for one in events.get(OBSERVER, ()) if isinstance(one, Reading)]
    operations = [one for one in events.get(LOAD, ()) if isinstance(one, Operation)]
    errors = early_errors(claims, readings, operations)
    if errors:
        more = f"; and {len(errors) - SHOWN} more" if len(errors) > SHOWN else ""
        found = _ended("; ".join(errors[:SHOWN]) + more)
        raise NotReadyError(
            f"No fault was begun: what is expected cannot be judged. {found}",
            "Change that line of `expect`, or the load or observation that it names.",
        )


def _ended(text: str) -> str:
    """Return a sentence with its full stop; a question has its own mark."""
    return text if text.endswith("?") else f"{text}."


def _events(folder: Path, name: str) -> Sequence[object]:
    path = folder / JOURNALS / f"{name}{SUFFIX}"
    return reader_of(name).read(name, path.read_bytes()).events if path.exists() else ()
