"""Makes the tables of docs/engines.md: from the declarations of the engines, and from what the conformance
suite proved last (`make conformance`).
"""

from __future__ import annotations

import json
from pathlib import Path

from chaos.abilities import MEANINGS, Ability
from chaos.catalogue import ALL
from docs.claim_tables import with_rows
from driver.engines.catalogue import KINDS

PAGE = Path(__file__).with_name("engines.md")
PROVED = Path(__file__).resolve().parent.parent / "tests" / "conformance" / "proved.json"


def page() -> str:
    """Return the page with its tables as the code and the last proof have them now."""
    text = with_rows(PAGE.read_text(), "engines", _engines())
    return with_rows(with_rows(text, "abilities", _abilities()), "proved", _proved())


def _engines() -> list[str]:
    rows = ["| `--engine` | what it is |", "|---|---|"]
    return rows + [f"| `{kind.name}` | {kind.summary} |" for kind in KINDS.values()]


def _abilities() -> list[str]:
    rows = ["| ability | what it is | faults that need it |", "|---|---|---|"]
    for ability in Ability:
        needing = ", ".join(f"`{fault.name}`" for fault in ALL if ability in fault.needs)
        rows.append(f"| {ability.value} | {MEANINGS[ability]} | {needing or 'none'} |")
    return rows


def _proved() -> list[str]:
    known: dict[str, dict[str, str]] = json.loads(PROVED.read_text()) if PROVED.is_file() else {}
    names = list(KINDS)
    rows = [
        "| ability | " + " | ".join(f"`{name}`" for name in names) + " |",
        "|---" * (len(names) + 1) + "|",
    ]
    for ability in Ability:
        cells = [known.get(name, {}).get(ability.value, "not run") for name in names]
        rows.append(f"| {ability.value} | " + " | ".join(cells) + " |")
    return rows
