"""Makes the table of docs/checks.md from the catalogue of claims."""

from __future__ import annotations

import re
from pathlib import Path

from driver.claims import CLAIMS

PAGE = Path(__file__).with_name("checks.md")
BLOCK = re.compile(r"(?<=<!-- claims -->\n).*?(?=<!-- end -->)", re.S)


def page() -> str:
    """Return the page with its table as the code has it now."""
    rows = ["| sentence | what it means | fails when |", "|---|---|---|"]
    for kind in CLAIMS.values():
        sentences = "<br>".join(f"`{form}`" for form in kind.forms)
        rows.append(f"| {sentences} <br>*{kind.example}* | {kind.means} | {kind.fails} |")
    return BLOCK.sub(lambda _: "\n".join(rows) + "\n", PAGE.read_text())
