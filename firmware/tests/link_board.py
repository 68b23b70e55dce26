"""A board with a link, for tests: the node, the network it is on, and its coordinator."""

import unittest
from array import array

import coordinator
import fakes
from node import app

CYCLE = (13200, 13600, 13825, 13725, 13375, 12975, 12625, 12575, 12850, 13175)
CHARGE_KEY = bytes(range(100, 132))
SAMPLES = array("h", CYCLE * 4)


class Window:
    """A converter's window of about 1.65 A at once: bus and conversions have their own tests."""

    def __init__(self):
        self._turn = 0

    def __call__(self, _channel, sums):
        self._turn = (self._turn + 1) % 10  # no two windows of mains are alike
        sums.begin()
        for k in range(self._turn, self._turn + sums.count):
            sums.add(SAMPLES[k])
        return True


class Board(unittest.TestCase):
    site_key = b""

    def setUp(self):
        self.coordinator = coordinator.Coordinator()
        self.hardware = fakes.Hardware(server=self.coordinator)
        self.start()

    def start(self, **config):
        secrets = fakes.secrets(coordinator.KEY, self.site_key, CHARGE_KEY)
        self.node = app.App(fakes.configuration(**config), secrets, self.hardware)
        self.client = self.node.client
        self.node.start()
        self.node.sensors[0]._adc.window = Window()

    def start_slow(self):
        """One circuit and the slowest ticks there are: an hour of it is soon over."""
        self.coordinator.slots = ["1"]
        self.hardware = fakes.Hardware(server=self.coordinator)
        self.hardware.network.chunk = 600
        circuits = [fakes.board_circuit(0)]
        self.start(circuits=circuits, timing={"tick_ms": 200, "boot_delay_s": [0, 0]})

    def run_s(self, duration_s):
        fakes.run(self.node, self.hardware, 1000 * duration_s)

    def sockets_open(self):
        return sum(not socket.closed for socket in self.hardware.network.sockets)

    def expect_error(self, part, refused=None, duration_s=8):
        """`duration_s` has room for a second try from 4 s on, for the timeout from 6 s on."""
        self.run_s(duration_s)
        self.assertTrue(part in self.client.last_error, self.client.last_error)
        self.assertEqual(self.client.answers, 0)
        self.assertTrue(self.sockets_open() <= 1)
        if refused is not None:
            self.assertEqual(self.client.refused > 0, refused)
        self.assertEqual(self.node.planning.epoch, 0)
        self.assertTrue(self.hardware.fed > 19 * duration_s)
