"""What decides is pure: groups in, answers out, without a file, a clock or a process."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PURE = [
    *(
        f"compare/{name}.py"
        for name in ("core", "statistics", "compared_metrics", "rank", "curves", "markdown", "trade_off")
    ),
    *(f"suite/{name}.py" for name in ("entry", "reports")),
]
OUTSIDE = {
    "os",
    "sys",
    "time",
    "socket",
    "asyncio",
    "subprocess",
    "pathlib",
    "tempfile",
    "signal",
    "datetime",
}
SHELLS = {
    "driver.results.run_folder",
    "driver.histories.journals",
    "driver.engines.engine",
    "driver.terminal",
}


@pytest.mark.parametrize("name", PURE)
def test_a_core_reaches_nothing_outside(name: str) -> None:
    tree = ast.parse((ROOT / "driver" / name).read_text())
    imported = {
        module
        for node in ast.walk(tree)
        for module in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert not {module.partition(".")[0] for module in imported} & OUTSIDE
    assert not imported & SHELLS
    called = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert "open" not in called
