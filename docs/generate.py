"""Writes every file that is made from the code: `python -m docs.generate`, which `make docs` runs first.

What measurements and proofs leave (docs/proofs.md, defects.md, mutants.md) is written by their own commands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks import page as benchmarks_page
from chaos import faults_page
from docs import claim_tables, engine_tables, load_tables, observation_tables, protocol_tables
from driver import metrics_page
from driver.reference.scenarios import settings_page
from driver.scenarios import scenario_schema

ROOT = Path(__file__).resolve().parent.parent
FILES: Mapping[str, Callable[[], str]] = {
    "docs/faults.md": faults_page.page,
    "docs/loads.md": load_tables.page,
    "docs/metrics.md": metrics_page.page,
    "docs/settings.md": settings_page.page,
    "docs/protocol.md": protocol_tables.page,
    "docs/checks.md": claim_tables.page,
    "docs/engines.md": engine_tables.page,
    "docs/observations.md": observation_tables.page,
    "scenarios/schema.json": scenario_schema.text,
    "benchmarks/README.md": lambda: benchmarks_page.page(benchmarks_page.kept()),
}
"""The files, and what makes the text of each."""


def main() -> None:
    """Write the files that are not current, and name them."""
    for name, make in FILES.items():
        text = make()
        if (ROOT / name).read_text() != text:
            (ROOT / name).write_text(text)
            print(f"wrote {name}")


if __name__ == "__main__":
    main()
