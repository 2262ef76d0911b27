"""Every benchmark by the name that `make bench ONLY=…` takes, in the order in which they run.

A benchmark is a file with `rows(*, quick: bool) -> list[Row]`; `quick` only shows that it works. Its first
lines say what it measures, against what, and why that is fair. A new one is such a file and a line here.
`make bench` alone runs BENCHES.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

from benchmarks.row import Row

Rows = Callable[..., list[Row]]

BENCHES: tuple[str, ...] = (
    "durable",
    "round_trip",
    "back_after_cut",
    "half_open",
    "metastable",
    "frame_costs",
    "memory",
    "storm",
    "goodput",
    "recovery",
    "judge",
    "dashboard",
)

ALIASES = {"sealing": "frame_costs"}
"""Former names that are still accepted."""

LAB = "lab"
LAB_BENCHES: tuple[str, ...] = ("up", "engines", "scenario", "system_up", "faults")
"""Benchmarks that need an engine and our images: `make bench ONLY=up`, or ONLY=lab for all of them."""


def rows_of(name: str) -> Rows:
    """Return the function that measures `name`."""
    rows: Rows = importlib.import_module(f"benchmarks.bench_{name}").rows
    return rows
