"""The prober's settings, the files that it follows, and a prober for each link of a changing list."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from chaos.prober import events
from chaos.prober.__main__ import read_settings
from chaos.prober.all_links import AllLinks, FollowedFile
from chaos.prober.far_end import FarEnd
from chaos.prober.link_prober import LinkProber
from chaos.prober.probe_rate import ProbeRate, ProbeWindow, read_windows, write_windows
from chaos.prober.settings import ProbedLink, ProberSettings, read_links, write_links
from driver.reference.system import worker_links
from tests.waiting import eventually
from wire.events import Event, Journal
from wire.probe import preamble

CLOSE = ProbeRate(probes_per_s=50, connects_per_s=10)
A = ProbedLink("api[1]->db:5432", "10.236.0.9", 8475, preamble("api->db:5432@10.236.4.3"))


def test_settings_that_make_no_sense_end_the_prober_with_a_sentence() -> None:
    assert read_settings("") == ProberSettings()
    assert read_settings('{"links": [{"name": "a", "host": "b", "port": 3}]}').links == (
        ProbedLink("a", "b", 3),
    )
    with pytest.raises(SystemExit, match="STORMLAB_PROBER"):
        read_settings('{"link": 3}')


def test_the_links_of_a_fleet_have_a_port_each_at_toxiproxy_and_no_preamble() -> None:
    assert worker_links(2) == (
        ProbedLink("worker-1", "toxiproxy", 20_001), ProbedLink("worker-2", "toxiproxy", 20_002),
    )  # fmt: skip


def test_all_links_together_stay_under_the_ceiling() -> None:
    settings = ProberSettings()
    rate = settings.limited(ProbeRate(probes_per_s=50, connects_per_s=10, volume_bytes_per_s=1_000_000), 200)
    assert rate.probes_per_s * 200 <= settings.probes_per_s
    assert rate.connects_per_s * 200 <= settings.connects_per_s
    assert rate.volume_bytes_per_s * 200 <= settings.volume_bytes_per_s


def test_a_followed_file_is_read_through_its_changes(tmp_path: Path) -> None:
    path = tmp_path / "prober.watch"
    absent: list[ProbeWindow] = []
    file, window = FollowedFile(path, read_windows, absent), ProbeWindow(1, 2, ["worker-1"], CLOSE)
    file.refresh()
    assert file.value == []
    path.write_bytes(write_windows([window]))
    file.refresh()
    assert file.value == [window]
    path.write_bytes(b"[{")
    file.refresh()
    assert file.value == [window]
    path.unlink()
    file.refresh()
    assert file.value == []


def test_a_followed_file_that_is_refused_is_logged_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "prober.watch"
    absent: list[ProbeWindow] = []
    file = FollowedFile(path, read_windows, absent)
    path.write_bytes(b"[{")
    for _ in range(3):
        file.refresh()
    assert capsys.readouterr().err.count("\n") == 1


def test_a_file_of_links_is_read_as_it_was_written() -> None:
    assert read_links(write_links([A])) == (A,)


@pytest.mark.parametrize("data", [b"", b"[{}]", b"{}", write_links([A, A])])
def test_a_file_of_links_that_is_wrong_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="links to probe"):
        read_links(data)


@asynccontextmanager
async def far_end(most: int = 1_024, lines: list[bytes] | None = None) -> AsyncIterator[ProbedLink]:
    journal = Journal("prober", (lines if lines is not None else []).append, time.monotonic_ns, time.time)
    server = await FarEnd(journal, most).listen("127.0.0.1", 0)
    yield ProbedLink("a", "127.0.0.1", next(iter(server.sockets)).getsockname()[1])
    server.close()


def decoded(lines: list[bytes], kind: type[Event]) -> list[Event]:
    decoder = msgspec.json.Decoder(events.ProberEvent)
    return [event for event in map(decoder.decode, lines) if isinstance(event, kind)]


@asynccontextmanager
async def writing() -> AsyncIterator[tuple[Journal, list[bytes]]]:
    lines: list[bytes] = []
    yield Journal("prober", lines.append, time.monotonic_ns, time.time), lines


def names(lines: list[bytes]) -> set[str]:
    return {one.link for one in decoded(lines, events.LinkSeen) if isinstance(one, events.LinkSeen)}


async def test_the_far_end_gives_all_that_a_prober_measures() -> None:
    rate = ProbeRate(
        probes_per_s=20, connects_per_s=5, volume_bytes_per_s=50_000, burst_bytes=40_000, burst_every_s=0.5
    )
    async with far_end() as link, writing() as (journal, lines):
        task = asyncio.create_task(LinkProber(link, journal, lambda: rate, random.Random(1)).run())

        def seen() -> list[events.LinkSeen]:
            return [one for one in decoded(lines, events.LinkSeen) if isinstance(one, events.LinkSeen)]

        await eventually(
            lambda: (
                any(one.rates_bytes_per_s for one in seen())
                and any(one.down_rates_bytes_per_s for one in seen())
                and any(one.beats_at_ms for one in seen())
            ),
            lambda: b"".join(lines[-5:]).decode(),
            20,
        )
        task.cancel()
        assert all(one.damaged_bytes == one.missing == one.repeated == 0 for one in seen())
        assert sum(one.compared_bytes for one in seen()) > 0
        assert all(up > 0 for one in seen() for up in one.up_us)
        assert {one.outcome for one in decoded(lines, events.Tried) if isinstance(one, events.Tried)} == {
            "answered"
        }
        assert decoded(lines, events.StreamEnded) == []


async def test_links_are_probed_from_when_they_are_listed_until_they_are_not() -> None:
    async with far_end() as one, writing() as (journal, lines):
        observed = AllLinks(ProberSettings(usual=CLOSE), journal)
        other = ProbedLink("b", one.host, one.port)
        observed.follow([one])
        await eventually(lambda: "a" in names(lines), lambda: str(lines[-3:]), 20)
        assert names(lines) == {"a"}
        observed.follow([one, other])
        await eventually(lambda: "b" in names(lines), lambda: str(lines[-3:]), 20)
        assert len(decoded(lines, events.StreamOpened)) == 2, "the first link kept its connection"
        observed.follow([other])
        await asyncio.sleep(0)
        lines.clear()
        await eventually(lambda: len(decoded(lines, events.LinkSeen)) > 1, lambda: str(lines[-3:]), 20)
        assert names(lines) == {"b"}
        observed.stop()


async def test_a_link_that_has_moved_is_probed_where_it_is() -> None:
    async with far_end() as one, writing() as (journal, lines):
        observed = AllLinks(ProberSettings(usual=CLOSE), journal)
        observed.follow([ProbedLink("a", "127.0.0.1", 1)])
        await eventually(lambda: decoded(lines, events.Tried), lambda: str(lines[-3:]), 20)
        observed.follow([one])
        await eventually(lambda: decoded(lines, events.StreamOpened), lambda: str(lines[-3:]), 20)
        observed.stop()


async def test_the_far_end_drops_the_quietest_connection_where_all_are_taken() -> None:
    async with far_end(most=1) as one, writing() as (journal, lines):
        first = LinkProber(one, journal, lambda: CLOSE, random.Random(1))
        second = LinkProber(ProbedLink("b", one.host, one.port), journal, lambda: CLOSE, random.Random(2))
        tasks = [asyncio.create_task(first.run())]
        await eventually(lambda: "a" in names(lines), lambda: str(lines[-3:]), 20)
        tasks.append(asyncio.create_task(second.run()))
        await eventually(lambda: decoded(lines, events.StreamEnded), lambda: str(lines[-3:]), 20)
        ended = decoded(lines, events.StreamEnded)[0]
        assert isinstance(ended, events.StreamEnded)
        assert ended.link == "a"
        for task in tasks:
            task.cancel()
