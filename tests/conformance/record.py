"""What the suite proved of each ability on each engine, kept in proved.json for docs/engines.md."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from chaos.abilities import Ability
from driver.engines.catalogue import KINDS
from driver.engines.engine_kind import EngineKind
from tests.conformance import engines

FILE = Path(__file__).with_name("proved.json")
Cells = Mapping[str, str]


@dataclass
class Record:
    """Tests by engine and ability: how many ran, and which failed."""

    ran: dict[tuple[str, Ability], int] = field(default_factory=dict)
    failed: dict[tuple[str, Ability], list[str]] = field(default_factory=dict)

    def note(self, item: pytest.Item, report: pytest.TestReport) -> None:
        """Note the report of one phase of a test that is marked with abilities."""
        for name, ability in claims(item):
            key = (name, ability)
            if report.failed:
                self.failed.setdefault(key, []).append(item.nodeid)
            elif report.when == "call" and report.passed:
                self.ran[key] = self.ran.get(key, 0) + 1

    def cells(self, kind: EngineKind) -> dict[str, str]:
        """What is known of each ability of an engine that ran: proved with its mechanism, refused, or not."""
        abilities = kind.abilities()
        found = {}
        for ability in Ability:
            key = (kind.name, ability)
            if ability in abilities.lacks:
                found[ability.value] = f"refused: {abilities.lacks[ability]}"
            elif self.failed.get(key):
                found[ability.value] = "not proved: a test failed"
            elif self.ran.get(key):
                found[ability.value] = f"proved: {abilities.by[ability]}"
            else:
                found[ability.value] = "not proved: no test ran"
        return found

    def write(self) -> None:
        """Write what is known of the engines that ran; what earlier runs left of others stays."""
        kept = read()
        kept.update({kind.name: self.cells(kind) for kind in engines.running()})
        known = {name: kept[name] for name in KINDS if name in kept}
        FILE.write_text(json.dumps(known, indent=1) + "\n")


def claims(item: pytest.Item) -> list[tuple[str, Ability]]:
    """The abilities that a test proves, each with the name of its engine."""
    kind = _kind(item)
    marks = [] if kind is None else list(item.iter_markers("proves"))
    return [(kind.name, ability) for mark in marks for ability in mark.args if kind is not None]


def is_lacked(item: pytest.Item) -> bool:
    """Whether a test is about an ability that its engine lacks here."""
    kind = _kind(item)
    lacks = {} if kind is None else kind.abilities().lacks
    return any(ability in lacks for _, ability in claims(item))


def _kind(item: pytest.Item) -> EngineKind | None:
    found = (
        item.callspec.params.get("kind")
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
        else None
    )
    return found if isinstance(found, EngineKind) else None


RECORD = Record()
"""The record of this process."""


def read() -> dict[str, dict[str, str]]:
    """What the suite left last, by engine and ability; nothing before its first run."""
    found: dict[str, dict[str, str]] = json.loads(FILE.read_text()) if FILE.is_file() else {}
    return found
