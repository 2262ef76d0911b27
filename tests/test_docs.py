"""Claims about pages that are made from the code: they are current."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent


def _protocol_tables() -> ModuleType:
    spec = importlib.util.spec_from_file_location("protocol_tables", ROOT / "docs" / "protocol_tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_protocol_page_shows_the_messages_states_and_codes_of_today() -> None:
    page = (ROOT / "docs" / "protocol.md").read_text()
    assert _protocol_tables().render(page) == page, "run: python docs/protocol_tables.py"


def test_every_file_and_name_on_the_walk_is_there() -> None:
    walk = (ROOT / "docs" / "walk.md").read_text()
    source = ""
    for word in re.findall(r"`([^`\n]+)`", walk):
        if re.fullmatch(r"[\w/.]+\.(py|md)|(\w+/)+", word):
            assert (ROOT / word).exists(), word
            source = (ROOT / word).read_text() if word.endswith(".py") else source
        elif re.fullmatch(r"[A-Za-z_]+", word) and word != "task_done":
            in_any = any(f" {word}" in path.read_text() for path in ROOT.glob("*/*.py"))
            assert f" {word}(" in source or in_any, f"{word} is on the walk, and nowhere in the code"


def test_every_test_that_the_protocol_page_names_is_there() -> None:
    page = (ROOT / "docs" / "protocol.md").read_text()
    table = page.split("<!-- guarantees -->")[1].split("<!-- end -->")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 11
    for row in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", row)
        assert named, f"nothing holds this: {row}"
        for path, name in named:
            assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text(), re.M), f"{path}::{name}"
