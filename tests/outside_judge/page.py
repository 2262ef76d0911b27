"""The table of the agreement: as text, and in docs/outside_judge.md."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime

from tests.outside_judge.agreement import Tally
from tests.outside_judge.checker import ROOT

PAGE = ROOT / "docs" / "outside_judge.md"


def table(tally: Tally) -> str:
    """One row a kind."""
    rows = [
        "| history | how many | broken, say both | in order, say both | they differ |",
        "|---|---|---|---|---|",
    ]
    for kind in tally.kinds():
        both = tally.count(kind, ours=True, theirs=True)
        neither = tally.count(kind, ours=False, theirs=False)
        differ = tally.count(kind, ours=True, theirs=False) + tally.count(kind, ours=False, theirs=True)
        rows.append(_row(kind, both, neither, differ))
    broken = sum(tally.count(kind, ours=True, theirs=True) for kind in tally.kinds())
    differ = len(tally.differing)
    rows.append(_row("**all**", broken, tally.histories - broken - differ, differ))
    return "\n".join(rows) + "\n"


def write(block: str, tally: Tally, took_s: float) -> None:
    """Put the table into a block of the page, with the day and the commit."""
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    head = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(head, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    text = (
        f"{when}, commit {commit}: {tally.histories:,} histories with {tally.operations:,} operations in "
        f"{took_s:.0f} s; {len(tally.differing)} disagreements.\n\n{table(tally)}"
    )
    page = PAGE.read_text()
    place = re.compile(rf"(?<=<!-- {block} -->\n).*?(?=<!-- end -->)", re.S)
    PAGE.write_text(place.sub(lambda _: text, page, count=1))


def _row(kind: str, broken: int, in_order: int, differ: int) -> str:
    name = kind.replace("_", " ") if not kind.startswith("defect ") else f"defect `{kind[7:]}`"
    return f"| {name} | {broken + in_order + differ} | {broken} | {in_order} | {differ} |"
