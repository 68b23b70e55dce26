"""mpremote, unmodified, against the node while it runs: with `resume` nothing stops, nothing
resets; without it the board is in maintenance until it is reset.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from boards.virtual.board import VirtualBoard
from boards.virtual.plant import Constant
from boards.virtual.realtime import RealTime
from boards.virtual.tests.mpremote import mpremote
from hil_tests.conftest import MakeWorld, circuit, one_board_site

pytestmark = [
    pytest.mark.virtual("it drives the virtual board's own serial port"),
    pytest.mark.requirement("maintenance"),
]


@pytest.fixture
def running(make_world: MakeWorld) -> Iterator[tuple[VirtualBoard, RealTime]]:
    """A board that reports every second, in real time; the coordinator's own clock stands still,
    which does not matter to what is asked here.
    """
    site = one_board_site([circuit("lights", priority=1), circuit("heater")])
    site["boards"][0]["report_s"] = 1
    board = make_world(site).add_board("flat-1", timing={"boot_delay_s": [1, 1]})
    for index in range(2):
        board.set_load(index, Constant(1.0))
    clock = RealTime(board)
    clock.start()
    yield board, clock
    clock.stop()


def test_status_files_and_listing_beside_the_running_node(
    running: tuple[VirtualBoard, RealTime], tmp_path: Path
) -> None:
    board, clock = running
    status = mpremote(clock, "exec", "from node import app; app.current.status()")
    assert "lights" in status
    assert "up " in status
    answered = answers(status)

    there, back = tmp_path / "there.bin", tmp_path / "back.bin"
    there.write_bytes(bytes(range(256)) * 8)
    mpremote(clock, "cp", str(there), ":kept.bin")
    mpremote(clock, "cp", ":kept.bin", str(back))
    assert back.read_bytes() == there.read_bytes()
    listing = mpremote(clock, "ls")
    assert all(name in listing for name in ("boot.py", "main.py", "config.json", "kept.bin"))

    while answers(status) < answered + 2:  # the node goes on reporting; the test's limit ends it
        status = mpremote(clock, "exec", "app.current.status()")
    assert status.count("closed default") == 2
    assert len(board.resets) == 1


def test_without_resume_it_is_in_maintenance_until_a_reset(
    running: tuple[VirtualBoard, RealTime], tmp_path: Path
) -> None:
    board, clock = running
    status = "from node import app; app.current.status()"
    while mpremote(clock, "exec", status).count("closed default") < 2:
        pass  # the test's limit ends it
    content = bytes(range(256)) * 8
    there = tmp_path / "there.bin"
    there.write_bytes(content)
    mpremote(clock, "cp", str(there), ":kept.bin", resume=False)
    ends = [circuit.contact.at(board.now_us) for circuit in board.plant.circuits]
    assert ends == [False] * len(ends)
    # Longer than a watchdog waits that nobody feeds.
    look = "import sys, time; time.sleep(4); print('node.app' in sys.modules, time.ticks_ms())"
    assert mpremote(clock, "exec", look, resume=False).startswith("False ")
    assert [cause for _, cause in board.resets] == ["power_on", "soft_reboot", "soft_reboot"]
    assert board.read_file("kept.bin") == content

    mpremote(clock, "reset")
    while mpremote(clock, "exec", status).count("closed default") < 2:
        pass
    assert [cause for _, cause in board.resets][3:] == ["soft"]


def answers(status: str) -> int:
    """How many answers the board has had, of the status that it prints."""
    return int(status.partition("answers ")[2].partition(",")[0])
