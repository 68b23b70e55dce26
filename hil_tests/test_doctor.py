"""`headroom doctor` asks a board over the network: real firmware, a real coordinator."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from boards.virtual.network import loopback_network, process_loopback
from hil_tests.real_time import board_in_real_time
from tools.demo.coordinator import Coordinator, headroom

HOST, PORT = process_loopback(), 8089
REPORT_S = 1
KNOWN_WITHIN_S = 30
SITE = f"""
site = {{ name = "test site" }}

[[feeders]]
id = "riser"
rating_ma = {{ L1 = 16_000 }}

[[boards]]
id = "flat-1"
feeder = "riser"
safe_limit_ma = {{ L1 = 10_000 }}
report_s = {REPORT_S}

[[boards.circuits]]
name = "lights"
phase = "L1"
rated_ma = 10_000
priority = 1
kind = "deferrable"
safe = "off"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "site.toml").write_text(SITE)
    return tmp_path


@pytest.fixture
def coordinator(folder: Path) -> Iterator[Coordinator]:
    coordinator = Coordinator(folder / "site.toml", folder)
    yield coordinator
    coordinator.stop()


def test_a_board_that_is_well_and_reports_elsewhere(
    folder: Path, coordinator: Coordinator
) -> None:
    key = coordinator.add_board("flat-1", folder / "flat-1.key")
    site, network = folder / "site.toml", loopback_network(HOST)
    with board_in_real_time(coordinator, site, "flat-1", key, network, PORT):
        assert said_of_board(folder, coordinator, lambda said: said == "") == ""
        coordinator.stop()
        # It listens on another port now, which the board does not know.
        moved = Coordinator(site, folder)
        try:
            said = said_of_board(folder, moved, bool)
        finally:
            moved.stop()
    assert f"answers at {HOST} and says that it is well" in said
    assert "link.port" in said


def test_a_board_with_another_key(folder: Path, coordinator: Coordinator) -> None:
    coordinator.add_board("flat-1", folder / "flat-1.key")
    site, network = folder / "site.toml", loopback_network(HOST)
    with board_in_real_time(coordinator, site, "flat-1", "00" * 32, network, http_port=0):
        said = said_of_board(folder, coordinator, lambda said: "refused" in said)
    assert "never been heard with a right signature" in said
    assert "not signed with its key" in said
    assert "secrets.json" in said


def said_of_board(folder: Path, coordinator: Coordinator, enough: Callable[[str], bool]) -> str:
    """What doctor says of the board, with the way out, once that is enough."""
    ends_s = time.monotonic() + KNOWN_WITHIN_S
    while True:
        said = "; ".join(
            f"{found['what']} {found['way_out']}"
            for found in examined(folder, coordinator)
            if found["thing"] == "board flat-1"
        )
        if enough(said) or time.monotonic() > ends_s:
            return said


def examined(folder: Path, coordinator: Coordinator) -> list[dict[str, str]]:
    """What doctor finds."""
    command = headroom(
        *("doctor", "--site", str(folder / "site.toml"), "--data", str(folder / "data")),
        *("--listen", coordinator.page_address, "--board-http-port", str(PORT), "--json"),
    )
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    findings: list[dict[str, str]] = json.loads(done.stdout)
    return findings
