"""Claims about the small parts around the core: name, journal, health, log, traffic."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from wire import events, task_events
from wire.channel import Channel
from wire.codec import FrameDecoder, FrameEncoder, FrameLimits
from wire.messages import Envelope, Frame, Goodbye
from worker.console_log import ConsoleLog
from worker.journal_file import WorkerJournalFile
from worker.process import own_index
from worker.traffic import TrafficCounters


def test_a_worker_reads_its_number_from_its_settings() -> None:
    assert own_index({"WORKER_INDEX": "7"}) == 7


@pytest.mark.parametrize("wrong", ["0", "-1", "seven", "1.5"])
def test_a_wrong_number_is_refused_with_a_sentence(wrong: str) -> None:
    with pytest.raises(ValueError, match=f"WORKER_INDEX must be a whole number from 1 up; found '{wrong}'"):
        own_index({"WORKER_INDEX": wrong})


def test_without_a_number_it_takes_the_one_that_compose_gave_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression no. 5: every worker had the same id."""
    monkeypatch.setattr(socket, "gethostbyname", lambda name: "10.0.0.9")
    monkeypatch.setattr(socket, "gethostbyaddr", lambda address: ("lab-worker-12.lab_links", [], [address]))
    assert own_index({}) == 12


def test_an_address_without_a_name_is_answered_with_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_: str) -> None:
        raise socket.herror(1, "Unknown host")

    monkeypatch.setattr(socket, "gethostbyname", lambda name: "10.0.0.9")
    monkeypatch.setattr(socket, "gethostbyaddr", nobody)
    with pytest.raises(ValueError, match="Set WORKER_INDEX"):
        own_index({})


def test_the_journal_is_appended_to_and_only_when_flushed(tmp_path: Path) -> None:
    path = tmp_path / "worker-1.jsonl"
    path.write_text("before\n")
    file = WorkerJournalFile(path)
    file.write(b"one\n")
    file.write(b"two\n")
    assert path.read_text() == "before\n"
    file.flush()
    assert path.read_text() == "before\none\ntwo\n"
    file.write(b"three\n")
    file.close()
    assert path.read_text().endswith("three\n")


def test_lines_are_written_in_one_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[bytes] = []

    def write(_: int, data: memoryview) -> int:
        calls.append(bytes(data))
        return len(data)

    monkeypatch.setattr(os, "write", write)
    file = WorkerJournalFile(tmp_path / "j")
    for number in range(100):
        file.write(b"%d\n" % number)
    file.flush()
    file.flush()
    assert len(calls) == 1


def test_a_write_that_is_cut_short_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, bytes(data)[:3]))
    file = WorkerJournalFile(tmp_path / "j")
    file.write(b"a whole line\n")
    file.flush()
    assert (tmp_path / "j").read_bytes() == b"a whole line\n"


class Log:
    """The lines of a console log whose clock is at `now_ms`."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.now_ms = 0
        self.tell = ConsoleLog("worker-7", self.lines.append, lambda: self.now_ms * 1_000_000)


def test_the_log_names_the_worker_its_connections_and_losses() -> None:
    log = Log()
    log.tell(events.ConnectionLost, session="s", kind="reset", detail="connection reset", silent_ms=1, code=0)
    log.now_ms = 412
    log.tell(
        events.Connected, attempt=3, session="s", epoch=1, outcome="resumed", because="", handshake_ms=2,
        replayed=0,
    )  # fmt: skip
    assert log.lines == [
        "worker-7 lost the coordinator (reset): connection reset\n",
        "worker-7 connected (resumed) after 3 attempts, 412 ms\n",
    ]


def test_failed_attempts_are_logged_ever_more_sparsely() -> None:
    log = Log()
    for attempt in range(1, 1_001):
        log.tell(
            events.ConnectFailed, attempt=attempt, kind="refused", detail="no", status=0, retry_after_ms=0
        )
    assert len(log.lines) == 10


def test_a_worker_that_is_refused_from_its_start_says_what_makes_links() -> None:
    log = Log()
    for attempt in range(1, 9):
        log.tell(events.ConnectFailed, attempt=attempt, kind="refused", detail="connection refused")
    links = "Links are made by `python lab.py up --workers N`, and by nothing else"
    assert [links in line for line in log.lines] == [False, False, True, True]


@pytest.mark.parametrize(("kind", "before"), [("refused", True), ("timeout", False)])
def test_a_worker_that_had_a_link_or_reaches_one_says_nothing_of_links(kind: str, before: bool) -> None:
    log = Log()
    if before:
        log.tell(events.Connected, attempt=1, session="s", epoch=1, outcome="fresh", because="")
    for attempt in range(1, 9):
        log.tell(events.ConnectFailed, attempt=attempt, kind=kind, detail="no")
    assert not any("Links are made" in line for line in log.lines)


def test_tasks_make_no_lines() -> None:
    log = Log()
    log.tell(task_events.AssignmentReceived, task="t", token=1, attempt=1)
    log.tell(task_events.Finished, task="t", token=1, error="", took_ms=1)
    assert log.lines == []


def test_traffic_adds_up_over_connections_and_is_written_only_when_it_changed() -> None:
    channel = Channel()
    traffic = TrafficCounters(channel)
    frame = Frame(0, 0, [Envelope(0, Goodbye("x" * 1_000))])
    for _ in range(2):
        encoder, decoder = FrameEncoder(b"k"), FrameDecoder(b"k", FrameLimits())
        traffic.connected(encoder, decoder)
        decoder.decode(encoder.encode(frame))
        traffic.sent(frame)
        traffic.received(frame)
        traffic.socket_bytes.sent_bytes += 600
        traffic.socket_bytes.received_bytes += 600
    found = traffic.changed()
    assert found is not None
    assert (found["frames_sent"], found["messages_received"]) == (2, 2)
    assert found["raw_bytes_sent"] == found["raw_bytes_received"] > 2_000
    assert found["wire_bytes_sent"] == found["wire_bytes_received"] < found["raw_bytes_sent"]
    assert traffic.changed() is None
