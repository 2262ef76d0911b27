"""Styles and scripts of HTML pages, as text."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def asset(name: str) -> str:
    """Return one file of the assets."""
    return (resources.files("driver.report") / "assets" / name).read_text(encoding="utf-8").strip()
