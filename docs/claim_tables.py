"""Makes the tables of docs/checks.md from the catalogues of claims and controls."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from driver.claims import CLAIMS
from driver.controls import CONTROLS

PAGE = Path(__file__).with_name("checks.md")


def page() -> str:
    """Return the page with its tables as the code has them now."""
    rows = ["| sentence | what it means | fails when |", "|---|---|---|"]
    for kind in CLAIMS.values():
        sentences = "<br>".join(f"`{form}`" for form in kind.forms)
        rows.append(f"| {sentences} <br>*{kind.example}* | {kind.means} | {kind.fails} |")
    controls = ["| control | what it changes |", "|---|---|"]
    controls += [f"| `{one.name}` | {one.summary} |" for one in CONTROLS.values()]
    return with_rows(with_rows(PAGE.read_text(), "claims", rows), "controls", controls)


def with_rows(text: str, block: str, rows: Sequence[str]) -> str:
    """Return the text with the rows between the comments that name a block."""
    begin = f"<!-- {block} -->"
    found = re.compile(rf"(?<={begin}\n).*?(?=<!-- end -->)", re.S)
    # Once: an empty block would be followed by a second match, up to the end of the next one.
    return found.sub(lambda _: "\n".join(rows) + "\n", text, count=1)
