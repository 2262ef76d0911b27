"""A journal that was altered after it was written never leads to PASSED, nor to a failure of the system: the
hole is named, with its file, its lines and how many are missing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from chaos.prober.events import LinkSeen
from driver.histories import events as driver
from driver.judging.verdict import RunOutcome, Verdict
from driver.results.judged_run import UNSEALED, judge_run
from tests.driver.judge.histories import NO_SETTINGS, Past, healthy_herd
from wire import events as wire

Sabotage = Callable[[Path], None]


def stormy() -> Past:
    """A herd that is cut off, a worker that is killed and lives twice, a prober that looks at all links."""
    past = healthy_herd()
    past.fault("killed", "kill", ["worker-2"], 25.0, 2.5)
    past.start("worker-2", 27.0)
    past.connect("worker-2", 27.2)
    past.emit("prober", wire.ProcessStarted, 0.3, role="prober", incarnation="p", settings=NO_SETTINGS)
    for second in range(1, 63):
        for link in past.workers:
            past.emit(
                "prober", LinkSeen, second, link=link, since_ns=0, sent=2, heard=2, rtt_at_ms=[100, 600],
                rtt_us=[900, 1100], out_bytes=70, in_bytes=50,
            )  # fmt: skip
    past.emit("prober", wire.ProcessStopping, 65.0, reason="SIGTERM")
    past.emit("driver", driver.LinksSeen, 61.0, moment="end", planned=[], found=[])
    return past


def sealed(past: Past, folder: Path, torn: Mapping[str, bytes] | None = None) -> Path:
    processes = ["driver", "coordinator", "prober", *past.workers]
    return past.write_sealed(folder / "20261124T021500Z-herd", torn or {}, processes=processes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return sealed(stormy(), tmp_path)


def journal(folder: Path, name: str) -> Path:
    return folder / "journals" / f"{name}.jsonl"


def kept(name: str, keep: Callable[[int, bytes, int], bool]) -> Sabotage:
    """Keep the lines of one journal for which `keep(number, line, of how many)`."""

    def do(folder: Path) -> None:
        path = journal(folder, name)
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(
            b"".join(line for number, line in enumerate(lines, 1) if keep(number, line, len(lines)))
        )

    return do


def middle_third(name: str) -> Sabotage:
    return kept(name, lambda number, _, of: not of / 3 < number <= of * 2 / 3)


def without(name: str, text: bytes) -> Sabotage:
    return kept(name, lambda _, line, __: text not in line)


def second_life_gone(folder: Path) -> None:
    path = journal(folder, "worker-2")
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b'{"event":"process_started"')])


def round_trips_divided(folder: Path) -> None:
    path = journal(folder, "prober")
    lines = []
    for line in path.read_bytes().splitlines():
        event = json.loads(line)
        if "rtt_us" in event:
            event["rtt_us"] = [trip // 100 for trip in event["rtt_us"]]
        lines.append(json.dumps(event, separators=(",", ":")).encode() + b"\n")
    path.write_bytes(b"".join(lines))


def all_seals_stripped(folder: Path) -> None:
    for path in (folder / "journals").glob("*.jsonl"):
        path.write_bytes(re.sub(rb',"n":\d+,"h":"[0-9a-f]+"\}', b"}", path.read_bytes()))


def end_cut_off(folder: Path) -> None:
    path = journal(folder, "driver")
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-4]))


def stranger_added(folder: Path) -> None:
    journal(folder, "worker-9").write_bytes(journal(folder, "worker-1").read_bytes())


def is_inconclusive_for(verdict: Verdict, name: str) -> None:
    assert verdict.verdict is RunOutcome.inconclusive, verdict.because
    (whole,) = [one for one in verdict.findings if one.check == "journals_complete"]
    assert f"{name}.jsonl" in whole.because


def test_journals_as_they_were_written_pass_without_a_word(folder: Path) -> None:
    verdict = judge_run(folder).verdict
    assert verdict.verdict is RunOutcome.passed, verdict.because
    assert verdict.notes == ()


@pytest.mark.parametrize(
    ("name", "sabotage"),
    [
        ("prober", without("prober", b'"link_seen"')),
        ("prober", middle_third("prober")),
        ("prober", round_trips_divided),
        ("worker-1", middle_third("worker-1")),
        ("worker-2", second_life_gone),
        ("coordinator", without("coordinator", b'"worker_lost"')),
        ("coordinator", all_seals_stripped),
        ("driver", end_cut_off),
        ("worker-9", stranger_added),
    ],
)
def test_no_alteration_passes(folder: Path, name: str, sabotage: Sabotage) -> None:
    sabotage(folder)
    is_inconclusive_for(judge_run(folder).verdict, name)


def test_a_receipt_that_is_turned_to_proved_does_not_pass(tmp_path: Path) -> None:
    past = stormy()
    past.lines["driver"] = [e for e in past.lines["driver"] if not isinstance(e, driver.Receipt)]
    for window in past.history().of(driver.FaultBegun):
        past.emit(
            "driver", driver.Receipt, 64, fault=window.fault, kind=window.kind, proved=False,
            because="unseen", hit=[], missed=window.targets, spared=[], strayed=[], observers=[],
        )  # fmt: skip
    folder = sealed(past, tmp_path)
    assert judge_run(folder).verdict.verdict is RunOutcome.inconclusive
    path = journal(folder, "driver")
    path.write_bytes(path.read_bytes().replace(b'"proved":false', b'"proved":true'))
    is_inconclusive_for(judge_run(folder).verdict, "driver")


def test_a_trouble_that_is_taken_out_does_not_pass(tmp_path: Path) -> None:
    past = stormy()
    past.emit("driver", driver.LabTrouble, 30, what="toxiproxy_restarted", detail="")
    folder = sealed(past, tmp_path)
    assert judge_run(folder).verdict.verdict is RunOutcome.inconclusive
    without("driver", b'"trouble"')(folder)
    is_inconclusive_for(judge_run(folder).verdict, "driver")


def test_lost_lines_are_no_lost_tasks_and_are_counted_and_placed(folder: Path) -> None:
    path = journal(folder, "coordinator")
    lines = path.read_bytes().splitlines(keepends=True)
    results = [number for number, line in enumerate(lines, 1) if b'"task_done"' in line][10:15]
    kept("coordinator", lambda number, _, __: number not in results)(folder)
    verdict = judge_run(folder).verdict
    assert verdict.verdict is RunOutcome.inconclusive, verdict.because
    assert all(one.status != "failed" for one in verdict.findings)
    (lost,) = [one for one in verdict.findings if one.check == "nothing_lost"]
    assert "5 of" in lost.because
    found = re.search(
        r"coordinator\.jsonl: (\d+) lines are missing between lines (\d+) and (\d+)", lost.because
    )
    assert found is not None
    assert int(found[2]) <= results[0] <= int(found[3]) + 1
    assert "more such places (5 lines are missing in all)" in lost.because


def test_a_line_that_a_kill_tore_is_no_hole(tmp_path: Path) -> None:
    folder = sealed(stormy(), tmp_path, torn={"worker-2": b'{"event":"conn'})
    verdict = judge_run(folder).verdict
    assert verdict.verdict is RunOutcome.passed, verdict.because
    path = journal(folder, "worker-2")
    path.write_bytes(path.read_bytes() + b"ected")
    is_inconclusive_for(judge_run(folder).verdict, "worker-2")


def test_bytes_behind_the_last_line_that_begin_no_line_make_the_run_inconclusive(tmp_path: Path) -> None:
    folder = sealed(stormy(), tmp_path, torn={"worker-2": b"these are no bytes of a journal"})
    is_inconclusive_for(judge_run(folder).verdict, "worker-2")


def test_a_run_of_before_there_were_seals_keeps_its_verdict_and_says_that_it_cannot_be_verified(
    tmp_path: Path,
) -> None:
    verdict = judge_run(stormy().write(tmp_path / "20261124T021500Z-herd")).verdict
    assert verdict.verdict is RunOutcome.passed
    assert verdict.notes == (UNSEALED,)
