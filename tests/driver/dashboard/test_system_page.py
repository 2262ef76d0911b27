"""The page of a foreign system in a real browser, without containers: lanes, hostile names, many links."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiohttp import web
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from driver.dashboard.auth import RequestAuth
from driver.dashboard.system_dashboard import SystemDashboard
from driver.dashboard.system_monitor import SystemMonitor
from driver.dashboard.system_server import make_system_app
from driver.histories import events as driver
from driver.machine.browser import NAMES, find_browser
from driver.systems.running_system import RunningSystem
from driver.systems.system import SystemService
from tests.driver.dashboard.systems import ALWAYS_NS, HOSTILE, replica, system_of
from tests.driver.judge.door_journal import LINK, PROCESS, DoorPast
from tests.driver.judge.test_link_history import cut

TOKEN = "token-of-the-test"
MANY = [f"worker[{number}]->redis:6379" for number in range(1, 201)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = find_browser()
    assert path, f"no browser: looked for {', '.join(NAMES)}"
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def served(system: RunningSystem) -> Iterator[str]:
    """Serve the page of a system in a thread; its address."""
    loop, ready, stop = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    address: list[str] = []

    async def serve() -> None:
        dashboard = SystemDashboard(SystemMonitor("doors-x", lambda: system, ALWAYS_NS), HOSTILE)
        auth = RequestAuth(TOKEN, "127.0.0.1")
        runner = web.AppRunner(make_system_app(dashboard, auth, read_only=False), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        auth.set_port(port)
        address.append(f"http://127.0.0.1:{port}/?token={TOKEN}")
        ready.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(20)
    try:
        yield address[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)


@pytest.fixture
def complaints() -> list[str]:
    """What a page complains of."""
    return []


def is_the_page_s_own(said: ConsoleMessage) -> bool:
    """Whether a complaint is not of the machine, whose interfaces change when a lab beside it starts."""
    return said.type == "error" and "ERR_NETWORK_CHANGED" not in said.text


def opened(browser: Browser, address: str, complaints: list[str]) -> Page:
    page = browser.new_page()
    page.on("console", lambda said: complaints.append(said.text) if is_the_page_s_own(said) else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    expect(page.locator("#lab-state")).to_contain_text("up", timeout=20_000)
    return page


def system(folder: Path, past: DoorPast, names: list[str]) -> RunningSystem:
    journals = past.write(folder / "lab") / "journals"
    services = (SystemService("api"), SystemService("db", ports=(5432,)))
    return system_of(journals, names, services, [replica("api"), replica(HOSTILE, state="exited")])


def test_a_link_has_a_lane_and_its_outages(tmp_path: Path, browser: Browser, complaints: list[str]) -> None:
    with served(system(tmp_path, cut(), [LINK])) as address:
        page = opened(browser, address, complaints)
        page.locator(f'.link-row[data-link="{LINK}"]').click()
        expect(page.locator("#about")).to_contain_text("back in 3.5 s")
        expect(page.locator("#about")).to_contain_text("3 attempts")
        page.click("#about button")
        expect(page.locator("#targets")).to_have_value(LINK)
        expect(page.locator("#hits")).to_contain_text(f"would hit {LINK}: 1 of 1")
        expect(page.locator("#command")).to_contain_text("lab.py inject stall --links")
    assert complaints == []


def test_hostile_names_are_text(tmp_path: Path, browser: Browser, complaints: list[str]) -> None:
    past = cut()
    past.emit("driver", driver.ReportNote, 12.0, level="info", text=HOSTILE)
    link = f"{HOSTILE}[1]->{HOSTILE}:5432"
    with served(system(tmp_path, past, [LINK, link])) as address:
        page = opened(browser, address, complaints)
        expect(page.locator(".link-row.link")).to_have_count(2)
        for place in ("#lanes", "#containers", "#events", "#lab-words"):
            expect(page.locator(place)).to_contain_text("<img src=x onerror=alert(1)>")
            assert "\u202e" not in page.locator(place).inner_text()
        assert page.locator("img").count() == 0
    assert complaints == []


def test_two_hundred_links_of_a_pair_are_one_row_until_it_is_opened(
    tmp_path: Path, browser: Browser, complaints: list[str]
) -> None:
    past = DoorPast(PROCESS)
    past.named(0.1, "worker->redis:6379@10.0.0.7", MANY[6])
    past.carried(1.0, 5.0, link="worker->redis:6379@10.0.0.7")
    with served(system(tmp_path, past, MANY)) as address:
        page = opened(browser, address, complaints)
        expect(page.locator(".link-row.pair")).to_have_count(1)
        assert page.locator(".link-row.link").all_inner_texts()[0].startswith(MANY[6])
        expect(page.locator(".link-row.pair")).to_contain_text("199 of 200 up")
        page.locator(".link-row.pair").click()
        expect(page.locator(".link-row.link")).to_have_count(200)
        page.check("#troubled")
        expect(page.locator(".link-row.link")).to_have_count(1)
    assert complaints == []
