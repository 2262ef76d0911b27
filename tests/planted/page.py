"""The table of the planted defects: which arm found which, and how small it became."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from tests.planted.catalogue import load_all
from tests.planted.trial import REPLAYS, ArmResult

PAGE = Path(__file__).resolve().parents[2] / "docs" / "search.md"
_BLOCK = re.compile(r"<!-- begin planted -->\n.*?<!-- end -->", re.S)


def table(results: Mapping[str, tuple[ArmResult, ArmResult]], seconds: float) -> str:
    """Return the table in Markdown, with the counts above it."""
    counts = [sum(bool(arms[arm].breach) for arms in results.values()) for arm in (0, 1)]
    lines = [
        f"{len(results)} defects, {seconds:g} s of one core for each arm: "
        f"the steered search found {counts[0]}, plain draws {counts[1]}.",
        "",
        "| defect | needs | steered | plain | left | again |",
        "|---|---|---|---|---|---|",
    ]
    for one in load_all():
        if one.name not in results:
            continue
        steered, plain = results[one.name]
        shown = steered if steered.breach else plain
        left = f"{shown.troubles} → {shown.left} troubles in {shown.shrunk_s:g} s" if shown.breach else ""
        again = f"{shown.replayed} of {REPLAYS}" if shown.breach else ""
        lines.append(f"| {one.wrong} | {one.needs} | {_arm(steered)} | {_arm(plain)} | {left} | {again} |")
    return "\n".join(lines)


def _arm(one: ArmResult) -> str:
    return f"plan {one.plans}, {one.took_s:g} s" if one.breach else f"none of {one.plans}"


def write(results: Mapping[str, tuple[ArmResult, ArmResult]], seconds: float, commit: str) -> None:
    """Put the table into docs/search.md."""
    block = f"<!-- begin planted -->\nCommit {commit}.\n\n{table(results, seconds)}\n<!-- end -->"
    PAGE.write_text(_BLOCK.sub(lambda _: block, PAGE.read_text()))
