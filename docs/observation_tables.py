"""Makes the tables of docs/observations.md from the catalogue of observations."""

from __future__ import annotations

import re
from pathlib import Path

from driver.observations.catalogue import OBSERVATIONS, parameters
from driver.observations.observation import SystemObservation

PAGE = Path(__file__).with_name("observations.md")
BLOCK = re.compile(r"(?<=<!-- observations -->\n).*?(?=<!-- end -->)", re.S)


def page() -> str:
    """Return the page with its tables as the code has them now."""
    rows = ["| kind | what it reads | a reading is |", "|---|---|---|"]
    for kind in OBSERVATIONS.values():
        rows.append(f"| [`{kind.name}`](#{kind.name}) | {kind.summary} | {kind.result} |")
    rows += ["", "Keys of every kind:", "", "| key | what it is |", "|---|---|"]
    for field, info in SystemObservation.model_fields.items():
        rows.append(f"| `{info.alias or field}` | {info.description} |")
    for kind in OBSERVATIONS.values():
        rows += ["", f"### {kind.name}", "", f"`{{{kind.example}}}`", "", "| key | what it is |", "|---|---|"]
        rows += [f"| `{key}` | {what} |" for key, what in parameters(kind).items()]
    return BLOCK.sub(lambda _: "\n".join(rows) + "\n\n", PAGE.read_text())
