"""Parts of a long run add up only where they are the parts of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulation.parts import Part, added_up, keep, read


def test_parts_add_up_in_whatever_order_they_were_run(tmp_path: Path) -> None:
    file = tmp_path / "parts"
    keep(file, Part(100, 50, (120,), 2.0, "abc"))
    keep(file, Part(0, 100, (3,), 4.0, "abc"))
    assert added_up(read(file)) == Part(0, 150, (3, 120), 6.0, "abc")


@pytest.mark.parametrize(
    ("second", "because"),
    [
        (Part(90, 50, (), 1.0, "abc"), "where 100 was due"),
        (Part(110, 50, (), 1.0, "abc"), "where 100 was due"),
        (Part(100, 50, (), 1.0, "def"), "different code"),
    ],
)
def test_parts_that_overlap_leave_out_or_differ_are_no_whole(second: Part, because: str) -> None:
    with pytest.raises(ValueError, match=because):
        added_up([Part(0, 100, (), 1.0, "abc"), second])


def test_no_part_is_no_run() -> None:
    with pytest.raises(ValueError, match="no part"):
        added_up([Part(0, 0, (), 0.0)])
