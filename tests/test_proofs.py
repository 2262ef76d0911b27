"""Claims about docs/proofs.md: sections keep to themselves, and no run gets there that shows too little."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests import proofs

METRICS = {
    "tasks_submitted": 1_029_600, "tasks_completed": 1_029_600, "tasks_lost": 0, "tasks_duplicated": 0,
    "task_throughput_per_s": 660.0, "losses": 9, "reconnections": 9, "task_latency_p50_s": 0.04,
    "task_latency_p99_s": 4.0, "memory_coordinator_max_bytes": 1 << 28,
}  # fmt: skip


def run_folder(
    folder: Path, *, verdict: str = "passed", kills: int = 120, unknown: Sequence[str] = (), **metrics: int
) -> Path:
    (folder / "journals").mkdir(parents=True)
    findings = [{"check": name, "status": "passed", "measured": 0.0} for name in proofs.CLAIMS]
    findings += [{"check": name, "status": "unknown", "measured": 1.0} for name in unknown]
    found: dict[str, Any] = {
        "run": "r", "verdict": verdict, "because": "so", "findings": findings, "metrics": METRICS | metrics,
    }  # fmt: skip
    (folder / "verdict.json").write_text(json.dumps(found))
    receipts = [
        {"event": "receipt", "kind": kind, "proved": True, "hit": ["coordinator"]}
        for kind in ["kill"] * kills + ["cut"] * 960
    ]
    lines = [json.dumps(one, separators=(",", ":")) for one in receipts]
    (folder / "journals" / "driver.jsonl").write_text("\n".join(lines))
    return folder


def test_a_section_is_replaced_and_the_others_stay(tmp_path: Path) -> None:
    page = tmp_path / "proofs.md"
    for section, text in (("run", "one"), ("fuzz", "two"), ("run", "three")):
        proofs.keep(section, text, "c0ffee", page)
    kept = proofs.read(page.read_text())
    assert list(kept) == ["fuzz", "run"]
    assert kept["fuzz"].endswith("two")
    assert kept["run"].endswith("three")
    assert "commit c0ffee." in kept["run"]


def test_an_unknown_section_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        proofs.keep("rumours", "text", "c0ffee", tmp_path / "proofs.md")


def test_a_run_is_reported_with_what_it_showed(tmp_path: Path) -> None:
    text = proofs.summarised(run_folder(tmp_path / "run"))
    assert "| tasks submitted, completed | 1,029,600, 1,029,600 |" in text
    assert "| `kill -9`, each proved | 120, 120 of them of the coordinator |" in text


def test_a_run_in_which_one_fault_of_the_thousand_has_no_proof_is_reported_with_that(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", verdict="inconclusive", unknown=[proofs.FAULTS_PROVED])
    assert "| verdict | INCONCLUSIVE: so |" in proofs.summarised(folder)


@pytest.mark.parametrize(
    "lacking",
    [
        {"verdict": "inconclusive", "unknown": ["journals_complete"]},
        {"verdict": "failed"},
        {"kills": 99},
        {"tasks_completed": 999_999},
    ],
    ids=str,
)
def test_a_run_that_shows_too_little_is_not_reported(tmp_path: Path, lacking: dict[str, Any]) -> None:
    with pytest.raises(proofs.NotProvedError):
        proofs.summarised(run_folder(tmp_path / "run", **lacking))


def test_the_page_is_as_its_commands_write_it() -> None:
    page = proofs.PAGE.read_text()
    assert proofs.render(proofs.read(page)) == page
