"""The page in the states that matter: readable in each size and theme, and within its window.

With PICTURES=folder it leaves a picture of each there; `make pictures` takes README's from them.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect
from tests.board_client import BoardClient, posts_to_address
from tests.browsing import DESKTOP, PHONE, axe_violations
from tests.lived_in_site import HOURS_S, edge, live_in, lived_in_site
from tests.server_process import Server, prepare, serving

pytestmark = pytest.mark.browser
_PICTURES = os.environ.get("PICTURES")
_SIZES: dict[str, ViewportSize] = {"phone": PHONE, "desktop": DESKTOP}
_ALL: list[tuple[str, Literal["light", "dark"]]]
_ALL = [("desktop", "light"), ("phone", "dark"), ("desktop", "dark"), ("phone", "light")]
# Each size and each theme once; test_dashboard.py has axe see every pair.
_LOOKS = _ALL if _PICTURES else _ALL[:2]
_SHOWN_WITHIN_MS = 20_000
_EUR_MWH = [90, 80, 70, 75, 95, 130, 180, 210, 190, 140, 110, 90, 60, 40, 30, 35, 60, 90, 120, 150]


def test_every_state_is_readable_in_every_look(browser: Browser, tmp_path: Path) -> None:
    with _busy_afternoon(tmp_path) as (server, boards), _looks_at(browser, server) as pages:
        for look, page in pages.items():
            boards["flat-2"].report(up_s=HOURS_S, rssi_dbm=-83)
            expect(page.locator('[data-board="flat-2"][data-stale="0"]')).to_be_attached()
            expect(page.get_by_role("region", name="Off now, and why")).to_contain_text("kitchen")
            expect(page.locator(".chart.tall canvas")).to_be_visible()
            history = page.get_by_role("region", name="History")
            expect(history.get_by_role("status")).to_contain_text("circuits' peaks sum to")
            _judge(page, f"now-{look}")
            page.locator('[data-board="garage-1"]').get_by_role("button").click()
            expect(page.get_by_role("dialog", name="wallbox, garage-1")).to_be_visible()
            _picture(page, f"order-{look}")
            page.keyboard.press("Escape")
        for look, page in pages.items():
            page.evaluate("scrollTo(0, 0)")
            old = page.locator('[data-board="flat-2"][data-stale="1"]')
            expect(old).to_be_attached(timeout=_SHOWN_WITHIN_MS)
            _judge(page, f"silent-{look}")
        server.process.kill()
        for look, page in pages.items():
            expect(page.get_by_role("alert")).to_contain_text(
                "No connection", timeout=_SHOWN_WITHIN_MS
            )
            _judge(page, f"lost-{look}")


def test_a_dozen_boards_fit_a_phone(browser: Browser, tmp_path: Path) -> None:
    document = lived_in_site(flats=11, rating_ma=63_000)
    prepare(tmp_path, document)
    with serving(tmp_path) as server:
        for board in document["boards"]:
            on = [2000, 20, "ok", 1, "default"]
            server.board(board["id"], circuits=[on for _ in board["circuits"]]).report()
        _put_prices(server)
        page = browser.new_page(viewport=PHONE, bypass_csp=True)
        page.goto(server.page)
        expect(page.locator("[data-board]")).to_have_count(12)
        plan = page.get_by_role("region", name="Plan")
        expect(plan.locator(".line").filter(has_text="water heater")).to_have_count(1)
        _judge(page, "dozen-phone-light")
        page.close()


def _judge(page: Page, name: str) -> None:
    """Axe finds nothing and nothing runs out of the window."""
    _fits(page, name)
    assert axe_violations(page) == [], name


def _fits(page: Page, name: str) -> None:
    _picture(page, name)
    assert page.viewport_size is not None
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.viewport_size["width"], name


def _picture(page: Page, name: str) -> None:
    """What the window shows, and the whole page, where pictures are wanted."""
    if _PICTURES:
        page.screenshot(path=Path(_PICTURES) / f"{name}.png", animations="disabled")
        page.screenshot(path=Path(_PICTURES) / "whole" / f"{name}.png", full_page=True)


@contextmanager
def _looks_at(browser: Browser, server: Server) -> Iterator[dict[str, Page]]:
    """The page, open in each size and theme."""
    pages = {
        f"{size}-{theme}": browser.new_page(
            viewport=_SIZES[size], color_scheme=theme, bypass_csp=True
        )
        for size, theme in _LOOKS
    }
    for page in pages.values():
        page.goto(server.page)
    yield pages
    for page in pages.values():
        page.close()


@contextmanager
def _busy_afternoon(folder: Path) -> Iterator[tuple[Server, dict[str, BoardClient]]]:
    """Four hours have passed; one circuit is shed, one has no sensor, one is ordered off."""
    document = lived_in_site()
    lived = live_in(folder / "data", document, time.time())
    prepare(folder, document)
    with serving(folder) as server:
        _give_orders(server)
        post = posts_to_address(server.boards)
        boards = {board.board_id: replace(board, post=post) for board in lived}
        _what_happened_last(boards)
        yield server, boards


def _what_happened_last(boards: dict[str, BoardClient]) -> None:
    boards["flat-2"].circuits[0] = [0, 20, "ok", 0, "shed_feeder"]
    boards["flat-3"].circuits[1] = [0, 900, "missing", 0, "safe_sensor"]
    boards["garage-1"].circuits[0] = [0, 20, "ok", 0, "override"]
    events = {
        "flat-1": [],
        "flat-2": [edge(1, 40, "shed", 2, "shed_feeder"), edge(2, 35, "restore", 2, "default")],
        "flat-3": [edge(1, 9, "open", 1, "safe_sensor")],
        "garage-1": [edge(1, 3, "open", 0, "override")],
    }
    for board_id, of_board in events.items():
        boards[board_id].report(up_s=HOURS_S, events=of_board, rssi_dbm=-64)
    shed = edge(3, 1, "shed", 0, "shed_feeder")
    boards["flat-2"].report(up_s=HOURS_S, events=[shed], rssi_dbm=-83)


def _give_orders(server: Server) -> None:
    now = int(time.time())
    _put_prices(server)
    off = {"state": "off", "until": now + 7200}
    server.put("/api/v1/boards/garage-1/circuits/0/override", off)
    slots = "----" + "1" * 4 + "0" * 8
    schedule = {"start": now - now % 1800, "step_s": 1800, "slots": slots}
    server.put("/api/v1/boards/flat-1/circuits/1/schedule", schedule)


def _put_prices(server: Server) -> None:
    now = int(time.time())
    prices = {"start": now - now % 3600, "step_s": 3600, "eur_mwh": _EUR_MWH}
    server.put("/api/v1/prices", prices)


def test_a_site_without_boards_says_how_to_go_on(browser: Browser, tmp_path: Path) -> None:
    document = lived_in_site(flats=0)
    document["boards"] = []
    prepare(tmp_path, document)
    with serving(tmp_path) as server, _looks_at(browser, server) as pages:
        for look, page in pages.items():
            expect(page.get_by_text("headroom board add")).to_be_visible()
            _judge(page, f"empty-{look}")


def test_twenty_feeders_and_eighty_boards(browser: Browser, tmp_path: Path) -> None:
    document = _large_site()
    prepare(tmp_path, document)
    with serving(tmp_path) as server, _looks_at(browser, server) as pages:
        for board in document["boards"]:
            on = [2000, 20, "ok", 1, "default"]
            server.board(board["id"], circuits=[on for _ in board["circuits"]]).report()
        for look, page in pages.items():
            expect(page.locator('[data-board][data-stale="0"]')).to_have_count(80)
            _fits(page, f"large-{look}")
            page.get_by_role("searchbox").fill("HOUSE-07")
            expect(page.locator("[data-board]")).to_have_count(4)
            _judge(page, f"found-{look}")
            expect(page.get_by_text("76 boards are not shown.")).to_be_visible()
            page.get_by_label("off, silent or faulty only").check()
            expect(page.locator("[data-board]")).to_have_count(0)


def _large_site() -> dict[str, Any]:
    """A street of nineteen houses with four flats each and more in the last; long names."""
    flats: list[dict[str, Any]] = lived_in_site(flats=80)["boards"][:80]
    street = "Wohnanlage an der Alten Spinnerei, Haus A bis T"
    rating_ma = dict.fromkeys(("L1", "L2", "L3"), 63_000)
    houses = [
        {"id": f"house-{n + 1:02}", "parent": "street", "rating_ma": rating_ma} for n in range(19)
    ]
    whole = {"id": "street", "rating_ma": {phase: 10 * ma for phase, ma in rating_ma.items()}}
    for number, board in enumerate(flats):
        house = min(number // 4, 18) + 1
        flat, feeder = f"house-{house:02}-flat-{number + 1:02}", f"house-{house:02}"
        board |= {"id": flat, "feeder": feeder, "report_s": 3600}
        board["circuits"][2]["name"] = "Warmwasserspeicher Obergeschoss"
    return {"site": {"name": street}, "feeders": [whole, *houses], "boards": flats}
