"""The page of a site that grows: a board and a circuit that are added show without a reload."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.browsing import DESKTOP
from tests.server_process import prepare, serving
from tests.support import key_of, site_document

pytestmark = pytest.mark.browser


def test_an_added_board_shows_reports_and_goes_without_a_reload(
    tmp_path: Path, browser: Browser
) -> None:
    prepare(tmp_path)
    table = site_document()["boards"][0] | {"id": "flat-3", "safe_limit_ma": {"L1": 2000}}
    with serving(tmp_path) as server:
        page = browser.new_page(viewport=DESKTOP)
        page.goto(server.page)
        expect(page.locator('[data-board="flat-2"]')).to_be_visible()
        page.evaluate("window.opened = true")
        server.put("api/v1/boards/flat-3", table)
        added = page.locator('[data-board="flat-3"]')
        expect(added).to_contain_text("no report yet")
        server.put("api/v1/boards/flat-3/key", {"key": key_of("flat-3").hex()})
        board = server.board("flat-3", limit_ma=[2000, 0, 0])
        board.circuits = [[1500, 20, "ok", 1, "default"]]
        assert board.report().status == 200
        expect(added).to_contain_text("1.5 / 10.0 A")
        server.put("api/v1/boards/flat-3/circuits/1", table["circuits"][0] | {"name": "boiler"})
        assert board.report().status == 200
        expect(added.locator('[data-circuit="1"]')).to_contain_text("boiler")
        expect(added).to_contain_text("until it is provisioned again")
        page.screenshot(path=tmp_path / "added.png", full_page=True)
        assert page.evaluate("window.opened") is True
        page.close()
