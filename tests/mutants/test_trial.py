"""Claims about the trial itself: it distinguishes a defect from a harmless change, and from invalid code."""

from __future__ import annotations

import pytest

from tests.mutants import page
from tests.mutants.apply import Defect, DefectError
from tests.mutants.catchers import Caught
from tests.mutants.trial import Trial, attempt_fast

TEST = "tests/wire/test_address.py"


def defect(new: str) -> Defect:
    return Defect(
        name="made_up", wrong="made up", file="wire/address.py", old="FIRST_LINK_PORT = 20_000\n", new=new,
        tests=(TEST,),
    )  # fmt: skip


def test_a_change_that_breaks_nothing_survives_and_is_named() -> None:
    harmless = defect("FIRST_LINK_PORT = 10_000 * 2\n")
    assert attempt_fast([harmless], jobs=1) == [None]
    assert page.line(Trial(harmless, None, None)).startswith("SURVIVES  made_up")


def test_a_defect_is_caught_by_the_test_that_fails() -> None:
    (caught,) = attempt_fast([defect("FIRST_LINK_PORT = 'x'\n")], jobs=1)
    assert caught is not None
    assert caught.by.startswith(f"{TEST}::test_")


def test_code_that_does_not_run_is_no_defect_that_was_caught() -> None:
    with pytest.raises(DefectError, match="could not run"):
        attempt_fast([defect("FIRST_LINK_PORT = nowhere\n")], jobs=1)


def test_the_page_shows_what_caught_each_and_why_the_simulation_did_not() -> None:
    seen = Trial(defect("1\n"), Caught("seed 7", "two | live leases", 1.25), None)
    unseen = Trial(defect("2\n"), None, Caught(f"{TEST}::test_x", "", 0.5))
    text = page.render([seen, unseen], 60.0, "abc")
    assert "| `made_up` | made up | seed 7: two ¦ live leases (1.2 s) | – |" in text
    assert "| `made_up` | made up | – | test_x (0.5 s) |" in text
    assert "2 of 2 caught: 1 by the simulation, 1 by a test" in text
