"""Makes the tables of docs/loads.md from the catalogue of loads."""

from __future__ import annotations

import re
from pathlib import Path

from driver.loads.catalogue import LOADS
from driver.loads.load import Load

PAGE = Path(__file__).with_name("loads.md")
BLOCK = re.compile(r"(?<=<!-- loads -->\n).*?(?=<!-- end -->)", re.S)


def page() -> str:
    """Return the page with its tables as the code has them now."""
    tables = "\n".join(_table(kind) for kind in LOADS.values())
    return BLOCK.sub(lambda _: f"\n{tables}\n", PAGE.read_text())


def _table(kind: type[Load]) -> str:
    rows = [f"**{kind.name}**: {kind.summary}\n", "| key | default | what it is |", "|---|---|---|"]
    for field, info in kind.model_fields.items():
        default = "required" if info.is_required() else _default(kind, field)
        rows.append(f"| `{info.alias or field}` | {default} | {info.description} |")
    return "\n".join(rows) + "\n"


def _default(kind: type[Load], field: str) -> str:
    """Return a default as in a file."""
    made = kind.model_construct(**{field: kind.model_fields[field].default})
    (value,) = made.model_dump(mode="json", by_alias=True, include={field}, warnings=False).values()
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    return f"`{str(value).lower()}`" if value not in ("", None, {}) else "none"
