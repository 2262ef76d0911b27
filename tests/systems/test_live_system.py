"""Claims about watching a foreign system, on real containers: `top`, the list of outages, and the page in a
real browser, from which a fault is injected.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from driver.cli.options import build_environment
from driver.engines import images
from driver.engines.compose_engine import ComposeEngine
from driver.machine.browser import NAMES, find_browser
from driver.paths import project_root
from tests.waiting import eventually_in_thread

FILE = project_root() / "examples/doors/compose.yaml"
SYSTEM = ("--system", str(FILE))
LINK, OTHER = "worker[2]->orders:5432", "worker[1]->orders:5432"
SOON_MS = 40_000


def argv(*words: str) -> list[str]:
    return [sys.executable, str(project_root() / "lab.py"), *words, *SYSTEM]


def lab_py(*words: str, code: int = 0) -> str:
    """The output of a command of lab.py on the system, which must exit with that code."""
    done = subprocess.run(argv(*words), capture_output=True, text=True, timeout=180)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module", autouse=True)
def _system() -> Iterator[None]:
    """The example, up behind doors for all tests of this file."""
    engine = ComposeEngine("live-system", project_root(), build_environment)
    engine.ensure_images(["toxiproxy", "prober", "worker"], print)
    worker = next(one for one in images.CATALOGUE if one.service == "worker")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHON_IMAGE", images.reference(worker, project_root()))
        patch.setenv("PYTHON", "/venv/bin/python")
        lab_py("down")
        lab_py("up", "--any-ports")
        try:
            yield
        finally:
            lab_py("down")


@pytest.fixture
def page() -> Iterator[Page]:
    """The page of the system."""
    path = find_browser()
    assert path, f"no browser: looked for {', '.join(NAMES)}"
    server = subprocess.Popen(argv("dashboard", "--port", "0"), stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    address = server.stdout.readline().strip()
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=path, args=["--no-sandbox"])
            shown = browser.new_page()
            shown.goto(address)
            yield shown
            browser.close()
    finally:
        server.terminate()
        server.communicate(timeout=90)


def links() -> dict[str, Any]:
    found = json.loads(lab_py("top", "--json"))["links"]
    return {one["name"]: one for one in found}


def test_a_link_that_carries_has_its_rates_and_one_that_is_cut_its_loss_and_how_it_ended() -> None:
    before = eventually_in_thread(
        lambda: found if (found := links())[LINK]["state"] == "connected" else None, "traffic", 60.0
    )
    assert before[LINK]["to_server_per_s"] > 0
    lab_py("inject", "refuse", "--links", LINK, "--for", "3s")
    after = eventually_in_thread(
        lambda: found if (found := links()[LINK])["state"] == "connected" else None, "it is back", 60.0
    )
    assert after["loss"]["kind"] == "closed"
    assert 2.5 < after["loss"]["back_s"] < 15
    assert after["attempts"] > 3
    assert links()[OTHER]["loss"] is None


def test_the_outages_are_listed_with_their_phases_and_their_fault() -> None:
    lab_py("inject", "refuse", "--links", LINK, "--for", "2s")
    found = json.loads(lab_py("links", "--outages", "--json"))["outages"]
    last = found[-1]
    assert (last["link"], last["how"], last["fault"]) == (LINK, "closed", "refuse")
    assert {one["link"] for one in found} == {LINK}
    assert last["failed_attempts"] > 3
    phases = (last["detected_s"], last["waiting_s"], last["failed_s"], last["connecting_s"])
    assert sum(phases) == pytest.approx(last["back_s"], abs=0.01)
    assert f"{LINK}  " in lab_py("links", "--outages")


def test_the_tables_name_every_link_and_container() -> None:
    shown = lab_py("top", "--once")
    for name in (LINK, OTHER, "orders[1]", "stock[2]", "worker[3]", "web[1]"):
        assert f"{name} " in shown


def test_a_fault_of_the_page_is_on_the_lane_of_its_link_and_heals(page: Page) -> None:
    row = page.locator(f'.link-row[data-link="{LINK}"]')
    if not row.count():
        page.locator('.link-row[data-pair="worker->orders:5432"]').click(timeout=SOON_MS)
    expect(row).to_contain_text("connected", timeout=SOON_MS)
    row.click()
    page.click("#about button")
    page.select_option("#fault", "refuse")
    page.fill("#targets", LINK)
    page.fill("#for", "60s")
    expect(page.locator("#hits")).to_contain_text(f"would hit {LINK}: 1 of", timeout=SOON_MS)
    page.click("#inject")
    expect(page.locator("#faults-on")).to_contain_text("fault on", timeout=SOON_MS)
    expect(row).to_contain_text("trying", timeout=SOON_MS)
    expect(row.locator("path.s-down")).to_have_count(1)
    expect(row.locator("path.s-band")).to_have_count(1)
    expect(page.locator(f'.link-row[data-link="{OTHER}"]')).to_contain_text("connected")
    page.locator("[data-heal-all]").first.click()
    expect(row).to_contain_text("connected", timeout=SOON_MS)
    expect(page.locator("#events")).to_contain_text("back in", timeout=SOON_MS)
