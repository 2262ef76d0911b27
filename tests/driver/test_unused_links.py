"""Claims about links that no client has used, by the journals of their doors."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver.histories.journals import JOURNALS
from driver.labs import unused_links as module
from driver.labs.unused_links import unused_links
from tests.driver.judge.door_journal import LINK, DoorPast

OTHER = "api[2]->db:5432"


def journals(past: DoorPast, folder: Path) -> list[Path]:
    """Write a past, and return the folder of its journals."""
    past.write(folder / "run", [])
    return [folder / "run" / JOURNALS]


def test_a_link_without_a_connection_is_unused(tmp_path: Path) -> None:
    past = DoorPast()
    past.named()
    past.opened(1.0)
    assert unused_links(journals(past, tmp_path), [LINK, OTHER, "db[1]"]) == [OTHER]


def test_a_link_that_is_named_and_was_never_dialled_is_unused(tmp_path: Path) -> None:
    past = DoorPast()
    past.named()
    assert unused_links(journals(past, tmp_path), [LINK]) == [LINK]


def test_nothing_is_said_while_a_client_has_no_name(tmp_path: Path) -> None:
    past = DoorPast()
    past.opened(1.0)
    assert unused_links(journals(past, tmp_path), [LINK, OTHER]) == []


def test_nothing_is_said_of_a_journal_that_is_read_in_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DOOR_BACK_BYTES", 10)
    assert unused_links(journals(DoorPast(), tmp_path), [LINK]) == []


def test_nothing_is_said_without_doors(tmp_path: Path) -> None:
    assert unused_links([tmp_path], ["worker-1"]) == []
