"""The target for real boards, against what looks like two of them: serial ports over RFC 2217, the
time of the wall, a coordinator that is a process; only the boards behind them are virtual, and
their wires are drawn by a thread.
"""

from __future__ import annotations

import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from headroom.device.configuration import Keys, Link, board_config
from headroom.site import parse_site

from boards.virtual.board import Fitting, VirtualBoard, board_files
from boards.virtual.network import loopback_network, process_loopback
from boards.virtual.realtime import RealTime
from hil_tests.conftest import circuit, one_board_site
from hil_tests.rig.client import Wiring
from hil_tests.rig.wires import Wires, make_rig
from hil_tests.targets.interface import contact_changes
from hil_tests.targets.real import RealTarget, as_toml

pytestmark = [
    pytest.mark.requirement("rig"),
    pytest.mark.virtual("both boards are virtual"),
    pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning"),  # by pyserial
]

STEP_S = 0.02
TIMING = {"boot_delay_s": [1, 1]}
CIRCUITS = [circuit("lights", priority=1), circuit("heater")]
WIRING = Wiring(loads=Wiring.loads[:2], contacts=Wiring.contacts[:2])


class Wirer(threading.Thread):
    """Draws the wires between two boards that run, each in its own thread."""

    def __init__(self, board: RealTime, rig: RealTime) -> None:
        super().__init__(daemon=True)
        self._board = board
        ahead_us = (rig.wall_s(0.0) - board.wall_s(0.0)) * 1e6
        self._wires = Wires(board.board, rig.board, WIRING, ahead_us)
        self._ended = threading.Event()

    def run(self) -> None:
        """Until it is stopped."""
        while not self._ended.wait(STEP_S):
            self._board.do(lambda _board: self._wires.step())

    def stop(self) -> None:
        """Before the boards end."""
        self._ended.set()
        self.join()


@pytest.fixture
def ports() -> Iterator[tuple[RealTime, RealTime]]:
    """A board as its provisioning left it, and a rig, wired to each other."""
    site = one_board_site(CIRCUITS)
    config = board_config(parse_site(site), "flat-1", Link("127.0.0.1", 9), TIMING)
    board = VirtualBoard(Fitting.for_config(config), loopback_network(process_loopback()))
    board.install(board_files(config, Keys(bytes(32)).secrets()))
    clocks = (RealTime(board), RealTime(make_rig()))
    for clock in clocks:
        clock.start()
        clock.do(lambda _board: None)
    wirer = Wirer(*clocks)
    wirer.start()
    yield clocks
    wirer.stop()
    for clock in clocks:
        clock.stop()
        clock.board.close()


@pytest.fixture
def target(ports: tuple[RealTime, RealTime], tmp_path: Path) -> Iterator[RealTarget]:
    board, rig = ports
    (tmp_path / "rig.toml").write_text(
        f'rig = {{ port = "{rig.remote.url}" }}\ncoordinator = {{ address = "127.0.0.1:0" }}\n'
    )
    target = RealTarget(
        one_board_site(CIRCUITS),
        tmp_path / "target",
        board.remote.url,
        tmp_path / "rig.toml",
        TIMING,
    )
    yield target
    target.close()


def test_an_overload_an_order_and_a_cut_network_by_serial_ports_alone(target: RealTarget) -> None:
    for i in range(2):
        target.rig.set_load(i, 3.0)
    target.board.power_on()  # no pin switches its supply: it is reset
    target.run_until(lambda: target.rig.relays() == [1, 1], within_s=30)
    assert "flat-1 runs" in target.board.serial_text()
    target.run_until(lambda: measured(target) == pytest.approx([3000, 3000], rel=0.03), 20)

    risen_s = target.now_s()
    target.rig.set_load(0, 8.0)
    target.rig.set_load(1, 12.0)
    target.run_until(lambda: target.rig.relays() == [1, 0], within_s=5)
    [(took_s, _)] = contact_changes(target.rig, 1, risen_s)
    print(f"twice the limit, by serial ports: the rig sees the contact open after {took_s:.2f} s")
    assert took_s < 2.0

    target.rig.cut_network(True)
    target.coordinator.order(0, "override", {"state": "off", "until": None})
    target.run(4)
    assert target.rig.relays()[0] == 1
    target.rig.cut_network(False)
    target.run_until(lambda: target.rig.relays()[0] == 0, within_s=20)
    assert target.cannot.keys() == {"unplug", "power"}


def measured(target: RealTarget) -> list[int]:
    """Currents as the coordinator shows them, in mA."""
    return [c["current_ma"] or 0 for c in target.coordinator.state()["boards"][0]["circuits"]]


def test_a_site_is_written_as_its_file_would_have_it() -> None:
    site = one_board_site(CIRCUITS)
    assert tomllib.loads(as_toml(site)) == site
