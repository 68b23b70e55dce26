"""The unmodified esptool and mpremote take an empty module to a node on the dashboard, as
boards/esp12f_relay_x4/FIRST_BOARD.md says: its commands are run, and it has to tell their output.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from boards.virtual.fitting import Fitting
from boards.virtual.module import Module
from boards.virtual.network import loopback_network, process_loopback
from boards.virtual.pins import load_board
from boards.virtual.plant import Wiring
from boards.virtual.rom.image import stand_in
from tools.demo.coordinator import Coordinator

pytestmark = [pytest.mark.requirement("first board"), pytest.mark.browser]

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "boards" / "esp12f_relay_x4" / "FIRST_BOARD.md"
MADE = ROOT / "build" / "FIRST_BOARD.md"
CONSOLE = re.compile(r"(?<=```console\n).*?(?=```\n)", re.DOTALL)
WITHIN_S = 120
# Commands that show something which comes some seconds later.
WAITED_FOR = {
    "status()": "(?s)closed default.*closed default.*answers [1-9]",
    "/boards/flat-1": '"stale":false.*"closed":true.*"closed":true',
}
PASSWORD = "correct horse battery staple"
SHOWN_WITHIN_MS = 20_000


@pytest.fixture
def module() -> Iterator[Module]:
    """Nothing in its flash, and sensors where the module's page has them."""
    wirings = [Wiring(pin, channel, 1) for channel, pin in enumerate(load_board()["relay_pins"])]
    network = loopback_network(process_loopback())
    with Module(fitting=Fitting(wirings=wirings), network=network) as module:
        yield module


def test_the_page_leads_from_an_empty_module_to_the_dashboard(
    module: Module, tmp_path: Path
) -> None:
    walk = Walk(tmp_path, module.port)
    try:
        made = CONSOLE.sub(walk.block, PAGE.read_text())
        assert walk.coordinator is not None
        expect_on_dashboard(walk.coordinator.addresses.page)
        secrets = walk.secrets
        assert secrets
        assert not [s for s in secrets | {PASSWORD} if s in made], "a secret is shown"
    finally:
        if walk.coordinator is not None:
            walk.coordinator.stop()
    MADE.parent.mkdir(exist_ok=True)
    MADE.write_text(made)
    assert masked(made) == masked(PAGE.read_text()), f"copy {MADE} to {PAGE} if that was meant"


class Walk:
    """Runs the page's commands one after the other, as a person does."""

    def __init__(self, folder: Path, port: str) -> None:
        self.coordinator: Coordinator | None = None
        self.secrets: set[str] = set()
        self._folder = folder
        self._port = port
        (folder / "micropython.bin").write_bytes(stand_in())

    def block(self, block: re.Match[str]) -> str:
        """A block of the page with what its commands print now."""
        commands = [line for line in block[0].splitlines() if line.startswith("$ ")]
        return "".join(f"{command}\n{self._run(command[2:])}" for command in commands)

    def _run(self, command: str) -> str:
        """Look again until what a person waits for is seen."""
        deadline = time.monotonic() + WITHIN_S
        wanted = next((words for part, words in WAITED_FOR.items() if part in command), "")
        while True:
            output = self._run_once(command)
            if re.search(wanted, output):
                return told(output).replace(self._port, "$PORT")
            assert time.monotonic() < deadline, f"{command}\n{output}"

    def _run_once(self, command: str) -> str:
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=self._folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        self._after(command)
        return done.stdout

    def _environment(self) -> dict[str, str]:
        bin_folder = Path(sys.executable).parent
        environment = os.environ | {
            "PATH": f"{bin_folder}:{os.environ['PATH']}",
            "PORT": self._port,
            "COLUMNS": "120",
            "HEADROOM_WIFI_PASSWORD": PASSWORD,
        }
        if self.coordinator is not None:
            host, port = self.coordinator.addresses.boards
            page = self.coordinator.addresses.page.rstrip("/")
            environment |= {"COORDINATOR": f"{host}:{port}", "API": page}
        return environment

    def _after(self, command: str) -> None:
        if command.startswith("headroom init"):
            self.coordinator = Coordinator(self._folder / "site.toml", self._folder)
        path = self._folder / "board" / "secrets.json"
        if path.exists():
            self.secrets |= set(re.findall(r"[0-9a-f]{64}", path.read_text()))


def told(output: str) -> str:
    """What a person sees at the end, on a converter: without the steps of a progress bar."""
    # It looks for the USB converter, which is none here.
    output = re.sub("NOTE: Failed to get VID/PID.*", "", output)
    lines = [line.rpartition("\r")[2].rstrip() for line in output.splitlines()]
    kept = [line for line in lines if "%" not in line or "bytes (" in line]
    return re.sub(r"\n{2,}", "\n", "".join(f"{line}\n" for line in kept)).lstrip("\n")


def masked(page: str) -> str:
    """Without what may differ from run to run: times, sizes, hashes, what a busy link met."""
    page = re.sub(r"errors \d.*|\.{3,}|0x[0-9a-f]+|\b[0-9a-f]{12}\b", "#", page)
    return re.sub(r"\d+(\.\d+)?", "#", re.sub(r" +", " ", page))


def expect_on_dashboard(address: str) -> None:
    """The board is there, and its first circuit is shown closed."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.goto(address)
        circuit = page.locator('[data-board="flat-1"] [data-circuit="0"]')
        expect(circuit).to_have_attribute("data-closed", "1", timeout=SHOWN_WITHIN_MS)
        browser.close()
