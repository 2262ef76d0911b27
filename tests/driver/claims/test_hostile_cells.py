"""Claims about hostile contents: whatever a system returns, a finding comes of it, bounded and escaped."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from driver.claims.cells import key_of, number_of, shown
from driver.histories.system_events import VALUE_CHARS, Cell
from tests.driver.claims.system_past import SystemPast
from tests.second_judge.generate_claims import SENTENCES

CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
    st.sampled_from(["\x1b[2J", "9" * VALUE_CHARS, "\u202e", "1/3", "1_0", "٣", "nan", "-0", 10**400, 1e308]),
)  # fmt: skip


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=8), st.lists(CELLS, max_size=4))
@settings(max_examples=150, deadline=None)
def test_no_cell_makes_a_claim_raise(rows: list[tuple[Cell, Cell, Cell]], values: list[Cell]) -> None:
    past = SystemPast()
    past.fault("cut", "partition", 1.0, 2.0)
    for number, value in enumerate(values):
        for load, op in (("orders", "add"), ("kv", "write"), ("kv", "read"), ("jobs", "enqueue")):
            past.operation(str(number), load=load, op=op, value=value, at_s=1.0 + number)
    past.number("level", 0.5, 0.0, "before")
    past.table(["total"], [[row[0]] for row in rows], 0.5, name="sums", moment="before")
    past.table(["total"], [[row[1]] for row in rows], name="sums")
    past.table(["id", "owner", "seq"], rows)
    past.number("level", 2.0, float("nan"))
    for sentence in SENTENCES:
        found = past.found(sentence)
        assert found.status in ("passed", "failed", "unknown")
        assert "\x1b" not in found.because
        assert not any("\u202e" in text for text in (found.because, *(one.text for one in found.evidence)))


def test_one_number_in_several_spellings_is_one_key() -> None:
    assert {key_of(cell) for cell in (17, 17.0, "17")} == {"17"}
    assert len({key_of(cell) for cell in ("17", "17.0", "017", " 17", 17.5)}) == 5
    assert {key_of(cell) for cell in (True, "true")} == {"true"}
    assert key_of(None) is None
    assert key_of(float("nan")) == "nan"


def test_numbers_are_exact_and_what_is_none_is_none() -> None:
    assert number_of(0.1) == number_of("0.1") == number_of("1e-1")
    assert [number_of(cell) for cell in (None, True, "x", "", "1/3", "1_0", "٣", float("inf"))] == [None] * 8


def test_a_long_key_is_cut_and_escaped_in_a_sentence() -> None:
    assert len(shown("\x1b" * 5_000)) < 300
    assert "\n" not in shown("a\nb")


def test_rows_that_lack_cells_make_a_reading_unknown() -> None:
    past = SystemPast()
    past.operation("a")
    past.table(["id", "seq"], [["a"]])
    found = past.found("every acknowledged orders.key in stored.id")
    assert found.status == "unknown"
    assert "not one cell for each column" in found.because
