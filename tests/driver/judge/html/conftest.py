"""A real browser, headless, from Debian's packages; every page is opened from file:// as a reader would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from driver.machine.browser import NAMES, find_browser
from driver.report.write import write_report
from tests.driver.judge.histories import Past

Opener = Callable[..., "Opened"]


class Opened:
    """A page, and all that it complained of or asked for."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda said: self.complaints.append(said.text) if said.type != "log" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready=yes]", timeout=20_000)


# Playwright keeps an event loop running while it lives, and asyncio tests elsewhere cannot run beside one.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = find_browser()
    if path is None:
        pytest.fail(
            f"no browser: looked for {', '.join(NAMES)}; `apt-get install chromium`, or set STORMLAB_CHROMIUM"
        )
    with sync_playwright() as play:
        # Chromium's own sandbox needs rights that root in a container has not.
        browser = play.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Opener]:
    """Writes a run and its report, and opens it."""
    contexts = []

    def open_report(past: Past, record: dict[str, object] | None = None, **context: Any) -> Opened:
        folder = past.write(
            tmp_path / "20261124T021500Z-herd", ["task_success_rate >= 90%"], **(record or {})
        )
        made = browser.new_context(**context)
        contexts.append(made)
        return Opened(made.new_page(), write_report(folder))

    yield open_report
    for context in contexts:
        context.close()
