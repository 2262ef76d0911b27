"""Claims about claims that cannot be judged: a run refuses them before its first fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver.errors import NotReadyError
from driver.histories.driver_journal import DriverJournal
from driver.histories.journal_kinds import LOAD, OBSERVER
from driver.histories.journals import JOURNALS
from driver.histories.system_events import Operation, Reading
from driver.runs.early_claims import refuse_claims

EVERY = "every acknowledged orders.key in stored.id"


def written(folder: Path, columns: list[str], *keys: str) -> Path:
    """A run's folder with its first reading of `stored`, and one operation for each key."""
    observer, load = DriverJournal(folder / JOURNALS, OBSERVER), DriverJournal(folder / JOURNALS, LOAD)
    observer.write(Reading, name="stored", moment="before", asked_ns=1, columns=columns)
    for key in keys:
        load.write(
            Operation, load="orders", op="add", key=key, value=None, due_ns=1, call_ns=1, return_ns=2,
            outcome="ok",
        )  # fmt: skip
    observer.close()
    load.close()
    return folder


def test_a_column_that_the_first_reading_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotReadyError, match=r"stored has no column 'id'; its columns: idd") as caught:
        refuse_claims(written(tmp_path, ["idd"], "a"), [EVERY, "faults_were_proved"])
    assert EVERY in caught.value.sentence
    assert "No fault was begun" in caught.value.sentence


def test_a_question_at_the_end_has_no_full_stop(tmp_path: Path) -> None:
    with pytest.raises(NotReadyError) as caught:
        refuse_claims(written(tmp_path, ["idd"], "a"), [EVERY])
    assert "Did you mean idd?" in caught.value.sentence
    assert "?." not in caught.value.sentence


def test_keys_of_several_operations_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotReadyError, match=r"orders.key is not unique: 1 key of several operations \('a'\)"):
        refuse_claims(written(tmp_path, ["id"], "a", "b", "a"), [EVERY])


def test_claims_that_can_be_judged_are_not_refused(tmp_path: Path) -> None:
    refuse_claims(written(tmp_path, ["id"], "a", "b"), [EVERY, "no stored.id twice"])


def test_a_run_without_claims_or_journals_is_not_refused(tmp_path: Path) -> None:
    refuse_claims(tmp_path, ["faults_were_proved"])
    refuse_claims(tmp_path, [EVERY])
