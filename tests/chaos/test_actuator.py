"""Names of targets in a sentence."""

from __future__ import annotations

from chaos.actuator import name_list


def test_many_names_are_cut_short_with_their_number() -> None:
    assert name_list(["a", "b"]) == "a, b"
    assert name_list([str(number) for number in range(20)], 5) == "0, 1, 2, 3, 4, … (20 in all)"
