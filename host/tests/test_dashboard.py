"""The page in a real browser: values, reasons, old values and a lost connection are told."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests.server_process import Server, prepare, serving

pytestmark = pytest.mark.browser
_CHROMIUM = shutil.which("chromium")
_PHONE_WIDTH = 360


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=_CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield opened
        opened.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    prepare(tmp_path)
    with serving(tmp_path) as running:
        yield running


@pytest.fixture
def page(server: Server, browser: Browser) -> Iterator[Page]:
    opened = browser.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.goto(server.page)
    yield opened
    opened.close()
    assert faults == []


def test_relay_and_reason_follow_the_reports(server: Server, page: Page) -> None:
    board = server.board("flat-1")
    board.circuits = [[6200, 20, "ok", 1, "default"]]
    board.report()
    circuit = page.locator('[data-board="flat-1"] [data-circuit="0"]')
    expect(circuit).to_have_attribute("data-closed", "1")
    expect(circuit).to_contain_text("6.2 / 10.0 A")
    board.circuits = [[0, 20, "ok", 0, "shed_feeder"]]
    board.report(events=[[1, 9, "shed", 0, 12_000]])
    expect(circuit).to_have_attribute("data-closed", "0")
    expect(circuit).to_have_attribute("data-reason", "shed_feeder")
    expect(circuit).to_contain_text("shed: the feeder was over its limit")
    expect(page.locator(".events")).to_contain_text("water heater: shed")


def test_an_order_for_maintenance_is_said(server: Server, page: Page) -> None:
    board = server.board("flat-1")
    board.report()
    server.put("/api/v1/boards/flat-1/maintenance", {"until": int(time.time()) + 600})
    health = page.locator('[data-board="flat-1"] .health')
    expect(health).to_contain_text("ago, ordered into maintenance")
    board.report()
    board.report(events=[[1, 9, "maintenance", -1, 0]])
    expect(page.locator(".events")).to_contain_text("goes into maintenance, as ordered")
    expect(health).not_to_contain_text("maintenance")  # until it is silent


def test_what_a_sensor_and_a_contact_do_is_said(server: Server, page: Page) -> None:
    board = server.board("flat-1")
    board.circuits = [[0, 20, "below_range", 1, "default"]]
    board.report()
    circuit = page.locator('[data-board="flat-1"] [data-circuit="0"]')
    expect(circuit).to_contain_text("less than the sensor can measure")
    expect(circuit).to_contain_text("0.0 / 10.0 A")
    board.circuits = [[6000, 20, "ok", 0, "override"]]
    board.report(events=[[1, 9, "welded", 0, 6_000]])
    expect(circuit).to_contain_text("current flows although the relay is off")
    expect(page.locator(".events")).to_contain_text("welded: 6.0 A through an open relay")
    board.circuits = [[0, 900, "impossible", 1, "default"]]
    board.report(events=[[2, 19, "welded", 0, 0]])
    expect(circuit).to_contain_text("sensor reading impossible")
    expect(circuit).not_to_contain_text("0.0 / 10.0 A")
    expect(page.locator(".events")).to_contain_text("no longer welded")


def test_feeder_tells_headroom_and_what_is_not_measured(server: Server, page: Page) -> None:
    server.board("flat-1").report()
    phase = page.locator('[data-feeder="riser"] [data-phase="L1"]')
    expect(phase.locator('[data-field="headroom"]')).to_have_text("18.0")
    expect(page.locator('[data-feeder="riser"] [data-field="silent"]')).to_have_text(
        "flat-2 silent: up to 5.0 A on L1 not measured"
    )


def test_lost_connection_is_told_and_values_stay(server: Server, page: Page) -> None:
    server.board("flat-1").report()
    circuit = page.locator('[data-board="flat-1"] [data-circuit="0"]')
    expect(circuit).to_have_attribute("data-closed", "1")
    server.process.kill()
    expect(page.get_by_role("alert")).to_contain_text("No connection to the coordinator")
    expect(circuit).to_contain_text("1.0 / 10.0 A")


def test_page_fits_a_phone(server: Server, page: Page) -> None:
    server.board("flat-1").report()
    page.set_viewport_size({"width": _PHONE_WIDTH, "height": 740})
    expect(page.locator("body")).to_have_attribute("data-link", "live")
    assert page.evaluate("document.documentElement.scrollWidth") <= _PHONE_WIDTH
