"""The page's own modules in a real browser, without a lab: what the driver writes becomes text alone."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from importlib import resources

import pytest
from playwright.sync_api import Page, sync_playwright

from driver.dashboard.forms import catalogue
from driver.machine.browser import NAMES, find_browser
from driver.report.text import escape_markdown

PAGE = resources.files("driver.dashboard").joinpath("page")


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    path = find_browser()
    assert path, f"no browser: looked for {', '.join(NAMES)}"
    handler = functools.partial(_Quiet, directory=str(PAGE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, sync_playwright() as play:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = play.chromium.launch(executable_path=path, args=["--no-sandbox"])
        opened = browser.new_page()
        opened.goto(f"http://127.0.0.1:{server.server_address[1]}/page.css")
        yield opened
        browser.close()
        server.shutdown()


def shown(page: Page, markdown: str) -> str:
    """The text that the page makes of Markdown."""
    found = page.evaluate(
        """async (text) => {
            const { rendered } = await import("/markdown.js");
            const place = document.createElement("div");
            place.append(...rendered(text));
            return [place.textContent, place.querySelectorAll("script, img").length];
        }""",
        markdown,
    )
    assert found[1] == 0
    return str(found[0])


@pytest.mark.parametrize("text", ["+241 ms (-5 to 9)", "a_b <c> & @d", "x*y|z [q](r) ~s", "#1", "www.a://b"])
def test_text_that_the_driver_escaped_is_shown_as_it_was(page: Page, text: str) -> None:
    assert shown(page, f"| a |\n|---|\n| {escape_markdown(text)} |\n").removeprefix("a") == text
    assert shown(page, f"**{escape_markdown(text)}**") == text


def test_code_keeps_its_backslashes(page: Page) -> None:
    assert shown(page, r"so `a\+b` is") == r"so a\+b is"


def test_a_line_break_is_a_space_and_a_control_character_is_marked(page: Page) -> None:
    found = page.evaluate(
        """async () => { const { plain } = await import("/dom.js"); return plain("a\\n  b\\tc\\u0007"); }"""
    )
    assert found == "a b c\ufffd"


def test_faults_are_listed_by_what_happens_in_groups_of_link_handshake_and_process(page: Page) -> None:
    found = page.evaluate(
        """async (faults) => {
            document.body.innerHTML = '<select id="fault"></select>';
            const { fillCatalogue } = await import("/form.js");
            fillCatalogue(faults);
            return [...document.querySelectorAll("optgroup")].map(
                (group) => [group.label, [...group.children].map((one) => [one.value, one.textContent])]);
        }""",
        catalogue(),
    )
    assert [label.partition(":")[0] for label, _ in found] == ["Link", "Handshake", "Process"]
    listed = dict(pair for _, options in found for pair in options)
    assert listed == {one["name"]: f"{one['plain_effect']} ({one['name']})" for one in catalogue()}
