"""boot.py and main.py on a machine of fakes. CPython only: they are files to run, not modules."""

import contextlib
import io
import runpy
import sys
import tomllib
import types
import unittest
from pathlib import Path
from unittest import mock

FIRMWARE = Path(__file__).parent.parent
BOARD = FIRMWARE.parent / "boards/esp12f_relay_x4/board.toml"


class Pin:
    """Keeps each pin that is made, in order, as (number, value)."""

    OUT = 1
    made = []
    level = 0

    def __init__(self, number, mode=None, value=None):
        if mode:
            self.made.append((number, value))

    def __call__(self):
        """Only the gate is ever read, and only before anything is made."""
        assert not self.made
        return self.level


class Boot(unittest.TestCase):
    def setUp(self):
        self.board = tomllib.loads(BOARD.read_text())
        self.run_boot(since_start_ms=300)

    def run_boot(self, since_start_ms, files=("boot.py", "main.py"), gate=0):
        self.interface = mock.Mock()
        self.watchdog, self.timer = mock.Mock(), mock.Mock()
        Pin.made, Pin.level = [], gate
        modules = {
            "machine": types.SimpleNamespace(Pin=Pin, WDT=self.watchdog, Timer=self.timer),
            "network": types.SimpleNamespace(WLAN=self.interface, AP_IF=1),
        }
        with (
            mock.patch.dict(sys.modules, modules),
            mock.patch("time.ticks_ms", lambda: since_start_ms, create=True),
            mock.patch("os.listdir", lambda _path: list(files)),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            self.boot = runpy.run_path(str(FIRMWARE / "boot.py"))

    def test_its_pins_and_level_are_the_modules(self):
        self.assertEqual(list(self.boot["RELAY_PINS"]), self.board["relay_pins"])
        self.assertEqual(self.boot["GATE_PIN"], self.board["gate_pin"])
        self.assertEqual(self.boot["OFF"], 1 - self.board["active"])

    def test_the_coils_lose_their_supply_first_and_then_every_relay_is_off(self):
        off = [(pin, 1 - self.board["active"]) for pin in self.board["relay_pins"]]
        self.assertEqual(Pin.made, [(self.board["gate_pin"], 0)] + off)

    def test_the_access_point_is_closed(self):
        self.interface.assert_called_once_with(1)
        self.interface.return_value.active.assert_called_once_with(False)

    def test_a_start_of_the_chip_makes_no_watchdog(self):
        self.watchdog.assert_not_called()
        self.timer.assert_not_called()

    def test_a_soft_reboot_is_known_by_the_gate_or_by_the_time(self):
        for since_start_ms, gate in ((60_000, 0), (600, 1)):
            self.run_boot(since_start_ms, gate=gate)
            self.assertEqual(self.watchdog.call_count, 1)

    def test_after_a_soft_reboot_the_watchdog_is_fed_until_a_node_does(self):
        self.run_boot(since_start_ms=60_000, gate=1)
        feed = self.timer.return_value.init.call_args.kwargs["callback"]
        fed = self.watchdog.return_value.feed
        timer = mock.Mock()
        for current in (None, mock.Mock()):
            node = types.SimpleNamespace(current=current)
            with mock.patch.dict(sys.modules, {"node.app": node}):
                feed(timer)
            self.assertEqual((fed.call_count, timer.deinit.call_count), (1, int(bool(current))))

    def test_a_soft_reboot_in_maintenance_makes_no_watchdog(self):
        self.run_boot(since_start_ms=60_000, files=("boot.py", "maintenance"))
        self.watchdog.assert_not_called()


class Main(unittest.TestCase):
    def run_main(self, stat):
        """How often main.py started the node, and what it printed."""
        from node import app  # noqa: F401  the package, of which only the edge is replaced

        hardware = types.SimpleNamespace(run=mock.Mock())
        printed = io.StringIO()
        with (
            mock.patch.dict(sys.modules, {"node.hardware": hardware}),
            mock.patch("node.hardware", hardware, create=True),
            mock.patch("os.stat", stat),
            contextlib.redirect_stdout(printed),
        ):
            main = compile((FIRMWARE / "main.py").read_text(), "main.py", "exec")
            exec(main, {"__name__": "__main__"})
        return hardware.run.call_count, printed.getvalue()

    def test_the_flag_keeps_the_node_from_starting(self):
        stat = mock.Mock()
        started, printed = self.run_main(stat)
        self.assertEqual(started, 0)
        self.assertIn("maintenance", printed)
        stat.assert_called_once_with("/maintenance")

    def test_without_it_the_node_starts(self):
        started, printed = self.run_main(mock.Mock(side_effect=FileNotFoundError))
        self.assertEqual((started, printed), (1, ""))


if __name__ == "__main__":
    unittest.main()
