"""A person watches the dashboard: a load rises, a relay goes off, the load falls, it comes back.

Everything is real here but the mains: `headroom serve` as a process, the firmware in real time on
a virtual board, and Chromium.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from boards.virtual.board import VirtualBoard
from boards.virtual.network import Network, TcpPeer
from boards.virtual.plant import Constant
from boards.virtual.realtime import RealTime
from hil_tests.real_time import board_in_real_time
from tools.demo.coordinator import Coordinator

pytestmark = [
    pytest.mark.virtual("it sets loads of a board in real time from its own thread"),
    pytest.mark.requirement("page"),
    pytest.mark.browser,
]

SHOWN_WITHIN_MS = 20_000
SITE = """
site = { name = "test site" }

[[feeders]]
id = "riser"
rating_ma = { L1 = 16_000 }
limit_ma = { L1 = 10_000 }

[[boards]]
id = "flat-1"
feeder = "riser"
safe_limit_ma = { L1 = 10_000 }
report_s = 1

[[boards.circuits]]
name = "lights"
phase = "L1"
rated_ma = 10_000
priority = 1
kind = "deferrable"
safe = "off"
min_off_s = 1

[[boards.circuits]]
name = "laundry"
phase = "L1"
rated_ma = 10_000
priority = 3
kind = "deferrable"
safe = "off"
min_off_s = 1

[[boards.circuits]]
name = "water heater"
phase = "L1"
rated_ma = 10_000
priority = 4
kind = "thermal"
safe = "off"
min_off_s = 1
"""


@dataclass
class Running:
    """A coordinator with one board, in real time."""

    coordinator: Coordinator
    clock: RealTime

    def set_loads(self, *amps: float) -> None:
        """Change the loads behind the relays, now."""

        def change(board: VirtualBoard) -> None:
            for index, value in enumerate(amps):
                board.set_load(index, Constant(value))

        self.clock.do(change)

    def closed_contacts(self) -> list[bool]:
        """Which relays are really closed."""
        found: list[bool] = []

        def look(board: VirtualBoard) -> None:
            circuits = board.plant.circuits[:3]
            found.extend(bool(circuit.contact.at(board.now_us)) for circuit in circuits)

        self.clock.do(look)
        return found


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    (tmp_path / "site.toml").write_text(SITE)
    coordinator = Coordinator(tmp_path / "site.toml", tmp_path)
    try:
        key = coordinator.add_board("flat-1", tmp_path / "flat-1.key")
        network = Network(lambda host, port: TcpPeer.connect((host, port)))
        site = tmp_path / "site.toml"
        with board_in_real_time(coordinator, site, "flat-1", key, network, http_port=0) as clock:
            yield Running(coordinator, clock)
    finally:
        coordinator.stop()


@pytest.fixture
def page(running: Running) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.goto(running.coordinator.addresses.page)
        yield page
        browser.close()


def expect_relays(page: Page, closed: str) -> None:
    """Wait until the page shows these relay states, one digit a circuit."""
    for index, state in enumerate(closed):
        shown = page.locator(f'[data-board="flat-1"] [data-circuit="{index}"]')
        expect(shown).to_have_attribute("data-closed", state, timeout=SHOWN_WITHIN_MS)


def test_relay_goes_off_on_the_page_when_a_load_rises_and_comes_back(
    running: Running, page: Page
) -> None:
    expect_relays(page, "111")
    running.set_loads(8.0, 2.0, 6.0)
    expect_relays(page, "110")
    heater = page.locator('[data-board="flat-1"] [data-circuit="2"]')
    expect(heater).to_have_attribute("data-reason", "shed_feeder")
    expect(heater).to_contain_text("the feeder was over its limit")
    expect(page.locator(".events")).to_contain_text("water heater")
    running.set_loads(2.0, 2.0, 2.0)
    expect_relays(page, "111")


def test_an_order_by_the_page_reaches_the_relay_and_is_cancelled(
    running: Running, page: Page
) -> None:
    expect_relays(page, "111")
    sign_in(page, Path(running.coordinator.addresses.token_file).read_text().strip())
    lights = page.locator('[data-board="flat-1"] [data-circuit="0"]')
    lights.get_by_role("button").click()
    order = page.get_by_role("dialog", name="lights, flat-1")
    order.get_by_role("button", name="Order", exact=True).click()
    expect_relays(page, "011")
    assert running.closed_contacts() == [False, True, True]
    expect(lights).to_contain_text("off: ordered by hand until")
    lights.get_by_role("button").click()
    order.get_by_role("button", name="Cancel the order").click()
    expect_relays(page, "111")
    assert running.closed_contacts() == [True, True, True]


def test_a_board_without_power_is_told_and_its_values_look_old(
    running: Running, page: Page
) -> None:
    expect_relays(page, "111")
    running.clock.do(VirtualBoard.power_off)
    lost = page.locator('[data-board="flat-1"][data-stale="1"]')
    expect(lost).to_contain_text("silent for", timeout=SHOWN_WITHIN_MS)
    expect(page.locator('[data-feeder="riser"]')).to_contain_text("flat-1 silent: up to")
    running.clock.do(VirtualBoard.power_on)
    back = page.locator('[data-board="flat-1"][data-stale="0"]')
    expect(back).to_be_attached(timeout=SHOWN_WITHIN_MS)


def sign_in(page: Page, token: str) -> None:
    """Show the page a token."""
    page.get_by_role("button", name="Sign in").first.click()
    dialog = page.get_by_role("dialog", name="Sign in")
    dialog.get_by_label("Token").fill(token)
    dialog.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
