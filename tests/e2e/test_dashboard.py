"""The dashboard in a real browser, over a real lab: what it shows, and what its controls do."""

from __future__ import annotations

import http.server
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect, sync_playwright

from driver.machine.browser import NAMES, find_browser
from tests.e2e.conftest import CommandLine, new_command_line

WORKERS, HIT = 20, 6
SOON_MS = 20_000


@pytest.fixture(scope="module")
def lab_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """A lab of twenty workers."""
    line = new_command_line(tmp_path_factory.mktemp("dashboard"))
    try:
        up = line("up", "--workers", str(WORKERS))
        assert up.returncode == 0, up.stderr
        yield line
    finally:
        line("down")


@pytest.fixture(scope="module")
def address(lab_up: CommandLine) -> Iterator[str]:
    """A dashboard that follows it."""
    dashboard: subprocess.Popen[str] = lab_up.started("dashboard", "--port", "0")
    assert dashboard.stdout is not None
    yield dashboard.stdout.readline().strip()
    dashboard.terminate()
    dashboard.communicate(timeout=60)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = find_browser()
    assert path, (
        f"no browser: looked for {', '.join(NAMES)}; `apt-get install chromium`, or set STORMLAB_CHROMIUM"
    )
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def is_the_page_s_own(said: ConsoleMessage) -> bool:
    """Whether a complaint is not of the machine, whose interfaces change when a lab beside it starts."""
    return said.type == "error" and "ERR_NETWORK_CHANGED" not in said.text


def opened(browser: Browser, address: str) -> tuple[Page, list[str]]:
    """The page once it shows the lab, and what it complains of."""
    page = browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if is_the_page_s_own(said) else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    expect(tiles(page, "connected")).to_have_count(WORKERS, timeout=SOON_MS)
    return page, complaints


def tiles(page: Page, state: str) -> Locator:
    return page.locator(f'#tiles .tile[data-state="{state}"]')


def names(found: Locator) -> set[str | None]:
    return {one.get_attribute("data-worker") for one in found.all()}


def test_what_was_previewed_is_what_is_hit_and_heals(browser: Browser, address: str) -> None:
    page, complaints = opened(browser, address)
    page.click("#tab-inject")
    page.select_option("#fault", "refuse")
    page.fill("#targets", "30%")
    page.fill("#for", "60s")
    page.click("#preview")
    expect(page.locator("#picks .tile.hit")).to_have_count(HIT)
    previewed = names(page.locator("#picks .tile.hit"))
    expect(page.locator("#command")).to_contain_text("lab.py inject refuse")
    page.click("#inject")
    page.click("#tab-now")
    expect(page.locator("#faults")).to_contain_text("refuse", timeout=SOON_MS)
    expect(tiles(page, "trying")).to_have_count(HIT, timeout=2_000)
    assert names(tiles(page, "trying")) == previewed
    page.locator("#now [data-heal-all]").click()
    expect(tiles(page, "connected")).to_have_count(WORKERS, timeout=SOON_MS)
    assert complaints == []
    page.close()


def test_two_browsers_see_each_other_s_faults(browser: Browser, address: str) -> None:
    one, _ = opened(browser, address)
    other, _ = opened(browser, address)
    one.click("#tab-inject")
    one.select_option("#fault", "cut")
    one.fill("#targets", "3")
    one.click("#inject")
    expect(other.locator("#faults")).to_contain_text("cut", timeout=SOON_MS)
    expect(tiles(other, "connected")).to_have_count(WORKERS, timeout=SOON_MS)
    one.close()
    other.close()


def test_a_value_out_of_range_is_refused_beside_its_field(browser: Browser, address: str) -> None:
    page, _ = opened(browser, address)
    page.click("#tab-inject")
    page.select_option("#fault", "latency")
    page.fill("#param-mean", "200")
    page.fill("#targets", "all")
    page.click("#preview")
    expect(page.locator('.wrong[data-field="mean"]')).to_contain_text("has no unit")
    page.close()


def test_a_page_of_another_origin_can_start_nothing(browser: Browser, address: str, tmp_path: Path) -> None:
    context = browser.new_context()
    context.new_page().goto(address)
    there = address.partition("/?")[0]
    (tmp_path / "index.html").write_text("<!doctype html><title>elsewhere</title>")
    handler = lambda *given: http.server.SimpleHTTPRequestHandler(*given, directory=str(tmp_path))  # noqa: E731
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as elsewhere:
        threading.Thread(target=elsewhere.serve_forever, daemon=True).start()
        stranger = context.new_page()
        stranger.goto(f"http://127.0.0.1:{elsewhere.server_port}/")
        asked = """there => Promise.all(["/api/heal", "/api/inject"].map(path => fetch(there + path, {
            method: "POST", mode: "no-cors", credentials: "include", body: '{"fault":"cut"}' })))"""
        with stranger.expect_response(f"{there}/api/inject") as answer:
            stranger.evaluate(asked, there)
        assert answer.value.status == 403
        elsewhere.shutdown()
    found = context.request.get(f"{there}/api/snapshot").json()
    assert not [job for job in found["doing"]["jobs"] if "cut --workers all" in job["command"]]
    context.close()
