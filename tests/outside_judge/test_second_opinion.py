"""Claims about a second opinion on a stored run: it is asked about what the run expects, and compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from driver.checks.finding import Finding
from tests.driver.claims.system_past import SystemPast
from tests.outside_judge.__main__ import USE, second
from tests.outside_judge.checker import build, judge
from tests.outside_judge.second_opinion import BROKEN, LINEARIZABLE, opinions_on

REGISTER, QUEUE = "register kv linearizable", "queue jobs exactly once"


def stored(folder: Path, past: SystemPast, sentences: Sequence[str]) -> Path:
    """A run's folder with these journals, and the findings of these sentences."""
    (folder / "journals").mkdir()
    for name, events in past.lines.items():
        lines = b"".join(msgspec.json.encode(event) + b"\n" for event in events)
        (folder / "journals" / f"{name}.jsonl").write_bytes(lines)
    findings: list[Finding] = [past.found(one) for one in sentences]
    (folder / "verdict.json").write_bytes(msgspec.json.encode({"verdict": "passed", "findings": findings}))
    return folder


def good() -> SystemPast:
    past = SystemPast()
    past.operation("x", at_s=1.0, load="kv", op="write", value=1)
    past.operation("x", at_s=2.0, load="kv", op="read", value=1)
    past.operation("m", at_s=1.0, load="jobs", op="enqueue")
    past.operation("m", at_s=2.0, load="jobs", op="dequeue")
    return past


def stale() -> SystemPast:
    """A read that returns an older write, and a message that is delivered twice."""
    past = good()
    past.operation("x", at_s=3.0, load="kv", op="write", value=2)
    past.operation("x", at_s=4.0, load="kv", op="read", value=1)
    past.operation("m", at_s=3.0, load="jobs", op="dequeue")
    return past


def test_each_register_and_queue_is_asked_about_with_its_model(tmp_path: Path) -> None:
    asked: list[str] = []

    def ask(text: bytes) -> str:
        asked.append(msgspec.json.decode(text.splitlines()[0])["model"])
        return LINEARIZABLE

    run = stored(tmp_path, good(), [REGISTER, "always: queue < 10", QUEUE])
    assert [(one.sentence, one.differs) for one in opinions_on(run, ask)] == [
        (REGISTER, False),
        (QUEUE, False),
    ]
    assert asked == ["register", "exactly once"]


@pytest.mark.parametrize(("past", "theirs"), [(good, BROKEN), (stale, LINEARIZABLE)])
def test_an_answer_that_is_not_the_runs_own_differs(
    tmp_path: Path, past: Callable[[], SystemPast], theirs: str
) -> None:
    (one,) = opinions_on(stored(tmp_path, past(), [REGISTER]), lambda text: theirs)
    assert one.differs
    assert str(one).endswith("(differs)")


def test_a_finding_that_is_unknown_differs_from_nothing(tmp_path: Path) -> None:
    past = SystemPast()
    past.operation("x", load="kv", op="write", value=1)
    (one,) = opinions_on(stored(tmp_path, past, [REGISTER]), lambda text: BROKEN)
    assert not one.differs


def test_a_run_without_a_register_or_a_queue_is_refused_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert second(tmp_path) == USE
    assert "has no verdict" in capsys.readouterr().err
    assert second(stored(tmp_path, good(), ["always: queue < 10"])) == USE
    assert "expects nothing of a register or of a queue" in capsys.readouterr().err


@pytest.mark.parametrize(("past", "theirs"), [(good, LINEARIZABLE), (stale, BROKEN)])
def test_porcupine_in_its_container_agrees(
    tmp_path: Path, past: Callable[[], SystemPast], theirs: str
) -> None:
    image = build()
    run = stored(tmp_path, past(), [REGISTER, QUEUE])
    opinions = opinions_on(run, lambda text: judge(image, [text])[0].verdict)
    assert [one.theirs for one in opinions] == [theirs, theirs]
    assert not any(one.differs for one in opinions)
