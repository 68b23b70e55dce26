"""The page in a real browser: values, reasons, orders, old values and a lost connection."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from headroom.history.steps import CircuitStep, minute_of
from headroom.store import open_store, series
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect
from tests.browsing import DESKTOP, PHONE, axe_violations
from tests.server_process import Server, prepare, run_headroom, serving
from tests.support import site_document

pytestmark = pytest.mark.browser


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    prepare(tmp_path)
    with serving(tmp_path) as running:
        yield running


@pytest.fixture
def page(server: Server, browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport=DESKTOP)
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.goto(server.page)
    yield opened
    opened.close()
    assert faults == []


def first_circuit(page: Page) -> Locator:
    return page.locator('[data-board="flat-1"] [data-circuit="0"]')


def token_of(server: Server) -> str:
    return Path(server.token_file).read_text().strip()


def sign_in(page: Page, token: str) -> None:
    page.get_by_role("button", name="Sign in").first.click()
    dialog = page.get_by_role("dialog", name="Sign in")
    dialog.get_by_label("Token").fill(token)
    dialog.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def open_order(page: Page) -> Locator:
    first_circuit(page).get_by_role("button").click()
    return page.get_by_role("dialog", name="water heater, flat-1")


def test_relay_and_reason_follow_the_reports(server: Server, page: Page) -> None:
    board = server.board("flat-1")
    board.circuits = [[6200, 20, "ok", 1, "default"]]
    board.report()
    circuit = first_circuit(page)
    expect(circuit).to_have_attribute("data-closed", "1")
    expect(circuit).to_contain_text("6.2 / 10.0 A")
    expect(
        page.get_by_text("Every circuit is on, as far as is known: a board does not report.")
    ).to_be_visible()
    board.circuits = [[0, 20, "ok", 0, "shed_feeder"]]
    board.report(events=[[1, 9, "shed", 0, 12_000]])
    expect(circuit).to_have_attribute("data-closed", "0")
    expect(circuit).to_have_attribute("data-reason", "shed_feeder")
    expect(circuit).to_contain_text("shed: the feeder was over its limit")
    expect(page.locator(".events")).to_contain_text("water heater: shed")
    off = page.get_by_role("region", name="Off now, and why")
    expect(off).to_contain_text("water heater, flat-1shed: the feeder was over its limit")


def test_an_order_goes_to_the_board_and_comes_back(server: Server, page: Page) -> None:
    board = server.board("flat-1")
    board.report()
    sign_in(page, token_of(server))
    open_order(page).get_by_role("button", name="Order", exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("region", name="Coming up")).to_contain_text("the order ends")
    expect(page.get_by_role("region", name="Plan")).to_contain_text("ordered off until")
    board.report()
    assert board.plan is not None
    [[circuit, state, until]] = board.plan["overrides"]
    assert (circuit, state) == (0, 0)
    assert 3500 < until - time.time() <= 3600
    board.circuits = [[0, 20, "ok", 0, "override"]]
    board.report()
    expect(first_circuit(page)).to_contain_text("off: ordered by hand until")
    dialog = open_order(page)
    expect(dialog).to_contain_text("by first.")
    dialog.get_by_role("button", name="Cancel the order").click()
    expect(page.get_by_role("region", name="Plan")).to_contain_text("No schedule, price or order")
    board.report()
    assert board.plan["overrides"] == []


def test_schedule_and_prices_stand_in_the_plan(server: Server, page: Page) -> None:
    server.board("flat-1").report()
    now = int(time.time())
    hour = now - now % 3600
    slots = {"start": hour, "step_s": 3600, "slots": "--1100"}
    server.put("/api/v1/boards/flat-1/circuits/0/schedule", slots)
    prices = {"start": hour, "step_s": 3600, "eur_mwh": [90, 80, -20, 210]}
    server.put("/api/v1/prices", prices)
    plan = page.get_by_role("region", name="Plan")
    expect(plan).to_contain_text("From -20 to 210 €/MWh.")
    expect(plan.locator(".span.on")).to_have_count(1)
    expect(plan.locator(".span.off")).to_have_count(1)
    coming = page.get_by_role("region", name="Coming up")
    expect(coming).to_contain_text("water heater, flat-1: on, as planned")
    expect(coming).to_contain_text("water heater, flat-1: off, as planned")


def test_without_the_right_nothing_is_ordered_and_it_is_said(
    server: Server, page: Page, tmp_path: Path
) -> None:
    server.board("flat-1").report()
    guest, data = tmp_path / "guest.token", tmp_path / "data"
    made = run_headroom("token", "new", "guest", "--file", str(guest), "--data", str(data))
    assert made.returncode == 0, made.stderr
    open_order(page).get_by_role("button", name="Order", exact=True).click()
    dialog = page.get_by_role("dialog", name="Sign in")
    expect(dialog).to_contain_text("Orders need somebody who answers for them.")
    dialog.get_by_label("Token").fill("not a token")
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog.get_by_role("alert")).to_contain_text("nobody has this one")
    dialog.get_by_label("Token").fill(guest.read_text().strip())
    dialog.get_by_role("button", name="Sign in").click()
    order = page.get_by_role("dialog", name="water heater, flat-1")
    order.get_by_role("button", name="Order", exact=True).click()
    expect(order.get_by_role("alert")).to_contain_text("guest may read, not switch")


def test_a_session_that_ended_is_said_and_the_order_is_not_given(
    server: Server, page: Page
) -> None:
    board = server.board("flat-1")
    board.report()
    sign_in(page, token_of(server))
    page.context.clear_cookies()
    dialog = open_order(page)
    dialog.get_by_role("button", name="Order", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("Not ordered")
    expect(page.get_by_role("dialog", name="Sign in")).to_contain_text("Your session has ended")
    board.report()
    assert board.plan is None or board.plan["overrides"] == []


def test_a_link_with_a_token_signs_in_and_the_address_forgets_it(
    server: Server, page: Page
) -> None:
    page.goto("about:blank")
    page.goto(f"{server.page}#token={token_of(server)}")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert page.url == server.page
    page.context.clear_cookies()
    page.get_by_role("button", name="Sign out").click()
    ended = page.get_by_role("dialog", name="Sign in")
    expect(ended).to_contain_text("Your session has ended.")
    ended.get_by_role("button", name="Close").click()
    page.goto("about:blank")
    page.goto(f"{server.page}#token=nobodys")
    expect(page.get_by_role("dialog", name="Sign in")).to_contain_text("nobody has this one")
    assert page.url == server.page


def test_a_printed_link_signs_in_once(server: Server, page: Page, tmp_path: Path) -> None:
    at = server.page.removeprefix("http://").rstrip("/")
    printed = run_headroom("sign-in", "--data", str(tmp_path / "data"), "--listen", at)
    page.goto("about:blank")
    page.goto(printed.stdout.strip())
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert page.url == server.page
    page.context.clear_cookies()
    page.goto("about:blank")
    page.goto(printed.stdout.strip())
    expect(page.get_by_role("dialog", name="Sign in")).to_contain_text("prints another link")


def test_a_coordinator_that_is_not_open_shows_itself_to_those_who_sign_in(
    browser: Browser, tmp_path: Path
) -> None:
    prepare(tmp_path)
    with serving(tmp_path, open_reading=False) as server:
        page = browser.new_page()
        page.goto(server.page)
        dialog = page.get_by_role("dialog", name="Sign in")
        expect(dialog).to_contain_text("shows itself to those who sign in")
        expect(page.get_by_role("region", name="Plan")).to_be_hidden()
        dialog.get_by_label("Token").fill(token_of(server))
        dialog.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="three flats")).to_be_visible()
        page.close()


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
    circuit = first_circuit(page)
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
    uncontrolled = phase.locator('[data-field="uncontrolled"]')
    expect(uncontrolled).to_have_text("1.0 A of it behind no relay")
    expect(page.locator('[data-feeder="riser"] [data-field="silent"]')).to_have_text(
        "flat-2 silent: up to 5.0 A on L1 not measured"
    )
    expect(
        phase.get_by_role("img", name="Current on riser L1 over the last half hour")
    ).to_be_visible()


def test_health_of_a_board_is_told(server: Server, page: Page) -> None:
    server.board("flat-1").report(up_s=7200, heap_free=9216, tick=[43, 2], rssi_dbm=-72)
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="flat-1"))
    start, ticks = "no. 1, power on, 2 h ago", "2 dropped, longest 43 ms"
    for text in ("fair, -72 dBm", "0.1.0", "9.0 KiB", start, ticks):
        expect(row).to_contain_text(text)
    silent = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="flat-2"))
    expect(silent).to_contain_text("no report yet")


def test_why_a_silent_board_is_refused_is_told(server: Server, page: Page) -> None:
    assert server.board("flat-1", key=bytes(32)).report().status == 401
    health = page.locator('[data-board="flat-1"] .health')
    expect(health).to_have_text("no report yet, 1 reports refused: not signed with its key")


def test_history_shows_what_boards_measured(page: Page, tmp_path: Path) -> None:
    _remember(tmp_path, mean_ma=4000, max_ma=6000)
    page.get_by_label("of", exact=True).select_option("water heater, flat-1")
    history = page.get_by_role("region", name="History")
    said = history.get_by_role("status")
    expect(said).to_contain_text("at most 6.0 A")
    expect(said).to_contain_text("4.0 A on average")
    expect(said).to_contain_text("nothing is known of")
    before = said.text_content()
    history.get_by_role("button", name="Zoom in").click()
    expect(said).not_to_have_text(str(before))
    history.get_by_role("radio", name="6 h").check(force=True)
    expect(said).to_contain_text("at most 6.0 A")
    for _ in range(8):  # further than can be told at once
        history.get_by_role("button", name="Zoom out").click()
    expect(said).to_contain_text("nothing is known of this time")  # it has no quarters


def _remember(folder: Path, mean_ma: int, max_ma: int) -> None:
    """Ten minutes of the first circuit, of half an hour ago."""
    store = open_store(f"sqlite:///{folder / 'data' / 'headroom.db'}")
    began = minute_of(int(time.time())) - 1800
    with store.write() as db:
        series.put_circuit_steps(
            db,
            [
                CircuitStep("flat-1", 0, 60, began + 60 * n, mean_ma, max_ma, 60, 60, True)
                for n in range(10)
            ],
        )
    store.close()


def test_old_values_look_old(browser: Browser, tmp_path: Path) -> None:
    site = site_document()
    site["boards"][0]["report_s"] = 1
    prepare(tmp_path, site)
    with serving(tmp_path) as server:
        page = browser.new_page()
        page.goto(server.page)
        _grows_old(server, page)
        page.close()


def _grows_old(server: Server, page: Page) -> None:
    server.board("flat-1").report()
    fill = first_circuit(page).locator(".fill")
    fresh_board = page.locator('[data-board="flat-1"][data-stale="0"]')
    expect(fresh_board).to_be_attached()
    fresh = fill.evaluate("fill => getComputedStyle(fill).backgroundImage")
    stale = page.locator('[data-board="flat-1"][data-stale="1"]')
    expect(stale).to_be_attached(timeout=20_000)
    expect(stale.locator(".health")).to_contain_text("silent for")
    assert fill.evaluate("fill => getComputedStyle(fill).backgroundImage") != fresh


def test_lost_connection_is_told_and_values_stay(server: Server, page: Page) -> None:
    server.board("flat-1").report()
    circuit = first_circuit(page)
    expect(circuit).to_have_attribute("data-closed", "1")
    server.process.kill()
    expect(page.get_by_role("alert")).to_contain_text("No connection to the coordinator")
    expect(circuit).to_contain_text("1.0 / 10.0 A")


def test_all_of_it_works_by_keyboard(server: Server, page: Page) -> None:
    server.board("flat-1").report()
    expect(first_circuit(page)).to_have_attribute("data-closed", "1")
    _tab_to(page, "water heater")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="water heater, flat-1")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    focused = page.evaluate("document.activeElement.textContent")
    assert "water heater" in focused  # back where it was


def _tab_to(page: Page, text: str) -> None:
    for _ in range(30):
        page.keyboard.press("Tab")
        if text in page.evaluate("document.activeElement.textContent"):
            return
    raise AssertionError(f"no way to {text} by keyboard")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_axe_finds_nothing(
    server: Server, browser: Browser, size: ViewportSize, theme: Literal["light", "dark"]
) -> None:
    board = server.board("flat-1")
    board.circuits = [[0, 20, "ok", 0, "shed_feeder"]]
    board.report(events=[[1, 9, "shed", 0, 12_000]])
    until = int(time.time()) + 600
    path = "/api/v1/boards/flat-1/circuits/0/override"
    server.put(path, {"state": "off", "until": until})
    # As a script of the page's own it is under the page's policy; injected it would be refused.
    page = browser.new_page(viewport=size, color_scheme=theme, bypass_csp=True)
    page.goto(server.page)
    expect(page.locator("body")).to_have_attribute("data-link", "live")
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert axe_violations(page) == []
    open_order(page)
    assert axe_violations(page) == []
    page.close()


def test_bars_are_there_under_the_systems_own_colours(server: Server, browser: Browser) -> None:
    server.board("flat-1").report()
    page = browser.new_page(forced_colors="active")
    page.goto(server.page)
    expect(page.locator("body")).to_have_attribute("data-link", "live")
    fill = page.locator("[data-feeder] .fill").first
    expect(fill).not_to_have_css("background-color", "rgba(0, 0, 0, 0)")
    expect(fill).not_to_have_css("background-color", "rgb(255, 255, 255)")
    page.close()
