"""The scenario of test_every_fault.py: every_fault.yaml, and the other faults of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from chaos.fault import Fault

FILE = Path(__file__).with_name("every_fault.yaml")
WORKERS = 27
"""The workers of the file; the last two are spared. Each further fault has a worker of its own."""


def scenario_text(kinds: Iterable[type[Fault]]) -> str:
    """Return the scenario's text. A fault that the file does not name has the parameters of its example."""
    text = FILE.read_text()
    further = [kind for kind in kinds if not is_in_file(kind.name)]
    assert f"\nworkers: {WORKERS}\n" in text
    entries = [_entry(kind, WORKERS + 1 + place) for place, kind in enumerate(further)]
    return text.replace(f"\nworkers: {WORKERS}\n", f"\nworkers: {WORKERS + len(further)}\n") + "".join(
        entries
    )


def is_in_file(fault: str) -> bool:
    """Return whether the file names the fault."""
    return f"fault: {fault}," in FILE.read_text()


def _entry(kind: type[Fault], worker: int) -> str:
    parts = [f"id: {kind.name}", f"fault: {kind.name}", f"targets: {worker}", "at: 10s", kind.example]
    return f"  - {{{', '.join([part for part in parts if part] + ['for: 12s'] * kind.lasting)}}}\n"
