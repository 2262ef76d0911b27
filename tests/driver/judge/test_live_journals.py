"""Lines of a long journal that are read though they are far from its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver.histories import live_journals

LINES = [b"one name\n", b"two\n", b"three name\n", b"four name, longer\n", b"five name\n"]
WHOLE = b"".join(LINES)


def found(tmp_path: Path, until: int) -> list[bytes]:
    """The lines with a name that are read besides what begins at a place."""
    path = tmp_path / "journal"
    path.write_bytes(WHOLE)
    with path.open("rb") as file:
        return live_journals._lines_with(b"name", file.fileno(), until).splitlines(keepends=True)


@pytest.mark.parametrize("block_bytes", [18, 20, 31, 1_000])
@pytest.mark.parametrize("until", range(1, len(WHOLE)))
def test_each_line_is_read_by_its_name_or_from_the_place_on_and_never_by_both(
    tmp_path: Path, until: int, block_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_journals, "_BLOCK_BYTES", block_bytes)
    from_there = WHOLE[until:].partition(b"\n")[2].splitlines(keepends=True)
    named = [line for line in LINES if b"name" in line]
    assert found(tmp_path, until) + [line for line in from_there if b"name" in line] == named
