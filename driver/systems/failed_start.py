"""Ends what a start left that failed: the error of the start stays the one that is reported."""

from __future__ import annotations

from collections.abc import Callable

from driver.errors import LabError
from driver.interrupts import signals_noted


def down_after(error: BaseException, down: Callable[[], object], say: Callable[[str], None]) -> None:
    """Take down what a start or a command left that ended with `error`; signals wait until that is done.

    A LabError of `down` replaces nothing: it is added to `error`, or said where that is no LabError.
    """
    with signals_noted():
        try:
            down()
        except LabError as second:
            if isinstance(error, LabError):
                error.add(second)
            else:
                say(second.sentence)
