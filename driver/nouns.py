"""Nouns in sentences."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """Return a number of things: `1 door`, `2,000 doors`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
