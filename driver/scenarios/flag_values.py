"""Values that the command line and the dashboard's forms take alike: durations and seeds. Pure."""

from __future__ import annotations

from chaos.explain import shortened
from chaos.units import parse_seconds
from driver.errors import UsageError
from driver.scenarios.scenario import MAX_DURATION_S

MAX_SEED = 2**32 - 1
"""The largest seed."""


def parse_duration(flag: str, text: str | None) -> float | None:
    """Return the seconds in `60`, `90s` or `5m`; None for no text. Raises UsageError, which names the flag.

    The duration is above 0 s and at most MAX_DURATION_S.
    """
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = _with_unit(flag, text)
    if not 0 < seconds <= MAX_DURATION_S:
        raise UsageError(
            f"{flag} takes more than 0 s and at most {MAX_DURATION_S:.0f} s; found {text}.",
            f"Examples: {flag} 60, {flag} 5m",
        )
    return seconds


def parse_seed(text: str) -> int:
    """Return a seed, 0 to MAX_SEED. Raises UsageError."""
    # The length first: Python refuses to read a number of thousands of digits.
    if not text.isdecimal() or len(text) > len(str(MAX_SEED)) or int(text) > MAX_SEED:
        found = shortened(repr(text), 60)
        raise UsageError(
            f"--seed takes a whole number from 0 to {MAX_SEED}; found {found}.", "Example: --seed 7"
        )
    return int(text)


def _with_unit(flag: str, text: str) -> float:
    try:
        return parse_seconds(text)
    except ValueError:
        raise UsageError(
            f"{flag} takes seconds, or a duration with its unit; found {text!r}.",
            f"Examples: {flag} 60, {flag} 5m",
        ) from None
